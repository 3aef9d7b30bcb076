"""Ingests in processes of their own, to be killed."""

import multiprocessing
import os
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.wiring import open_store
from tests.kit.corpus import Folder, settings_for
from tests.kit.pictures import Seen, look
from tests.kit.waiting import eventually

_RUN = "INGEST_PROCESS_RUN"
_CHILD_SECONDS = 200  # for a busy machine


class IngestProcess:
    """One ingest of a folder in a process of its own, the leader of its own process group.

    It is forked from a server that has imported everything: a fresh interpreter takes longer than the ingest.
    """

    def __init__(self, root: Path, database: Path, *, failpoint: str = "", lingers: bool = False) -> None:
        """Start it. A process that `lingers` stays after it has ingested until it is killed."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["ingest.sync", "rag.wiring", "rag.store.milvus.client"])
        self._run = uuid.uuid4().hex
        self._received, sent = context.Pipe(duplex=False)
        arguments = (root, database, failpoint, lingers, self._run, sent)
        self._process = context.Process(target=ingest_in_child, args=arguments)
        self._process.start()
        sent.close()

    def found(self) -> Seen:
        """Return what was in the store before the ingest, which begins now."""
        seen = self._receive()
        assert isinstance(seen, Seen), f"the store did not open; exit code {self._process.exitcode}"
        return seen

    def kill(self, *, with_milvus: bool) -> None:
        """Kill it as `kill -9` does; with its Milvus and its parser, as the end of a container does."""
        with suppress(ProcessLookupError):
            if with_milvus:
                os.killpg(self._process.pid or 0, signal.SIGKILL)
            else:
                os.kill(self._process.pid or 0, signal.SIGKILL)

    def ingested(self) -> float | None:
        """Wait for the end of the ingest and return its seconds, or None if the process died before."""
        seconds = self._receive()
        return seconds if isinstance(seconds, float) else None

    def ended(self) -> "Ended":
        """Wait for the end of the process, however it comes."""
        seconds = self.ingested()
        seen = self._receive()
        self._process.join(_CHILD_SECONDS)
        code = self._process.exitcode
        assert code is not None, "the ingest does not end"
        self._received.close()
        return Ended(code, seconds, seen if isinstance(seen, Seen) else None)

    def assert_nothing_remains(self) -> None:
        """None of the processes that it started is left."""
        eventually(lambda: not _processes_of(self._run), message=f"the processes of {self._run} to end")

    def _receive(self) -> object:
        try:
            assert self._received.poll(_CHILD_SECONDS), "the ingest says nothing"
            return self._received.recv()
        except (EOFError, OSError):  # OSError: killed in the middle of a message
            self._process.join(_CHILD_SECONDS)
            return None


@dataclass(frozen=True, slots=True)
class Ended:
    """`exit_code` is -9 for a process that was killed; `seconds` and `seen` are those of a finished ingest."""

    exit_code: int
    seconds: float | None
    seen: Seen | None


def clean_build(folder: Folder, database: Path) -> list[str]:
    """Ingest a folder into an empty store in a process of its own. Return its picture."""
    process = IngestProcess(folder.root, database)
    assert process.found() == Seen([], [])
    ended = process.ended()
    assert ended.exit_code == 0
    assert ended.seen
    assert ended.seen.litter == []
    (clean,) = ended.seen.generations
    return clean


def ingest_in_child(
    root: Path, database: Path, failpoint: str, lingers: bool, run: str, connection: Connection
) -> None:
    """Send what is in the store, ingest, send how long that took and what is in the store then."""
    os.setsid()
    os.environ.update({_RUN: run} | ({"ZHIWEN_FAILPOINT": failpoint} if failpoint else {}))
    settings = settings_for(root, database)
    with open_store(settings) as store:
        connection.send(look(store))
        started = time.monotonic()
        ingest(settings, store, ScriptedEmbedder(), allow_mass_deletion=True)
        connection.send(time.monotonic() - started)
        while lingers:
            signal.pause()
        connection.send(look(store))


def _processes_of(run: str) -> list[str]:
    """The processes that inherited the mark of the run, which none can remove."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and f"{_RUN}={run}".encode() in (folder / "environ").read_bytes():
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().decode().replace(chr(0), ' ')}")
    return found
