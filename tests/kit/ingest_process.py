"""Ingests in processes of their own, to be killed."""

import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ingest.sync import ingest
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.wiring import open_store
from tests.kit.corpus import Folder, settings_for
from tests.kit.pictures import Seen, look
from tests.kit.waiting import eventually

_RUN = "INGEST_PROCESS_RUN"
_CHILD_SECONDS = 200  # for a busy machine


class ForkedProcess:
    """A process that calls a function; the last argument is a connection, by which it sends what `receive` returns.

    It is forked from a server that has imported everything: a fresh interpreter takes longer than an ingest.
    """

    # `Process.start` polls all processes. If two threads poll one at the same time, the second finds its exit code
    # read already, and calls it 255.
    _polling = threading.Lock()

    def __init__(self, target: Callable[..., object], *arguments: object) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["ingest.sync", "rag.wiring", "rag.store.milvus.client"])
        self._received, sent = context.Pipe(duplex=False)
        self._process = context.Process(target=target, args=(*arguments, sent))
        with self._polling:
            self._process.start()
        sent.close()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        with self._polling:
            return self._process.exitcode

    def receive(self) -> Any:
        """Wait for what it sends next. Raises EOFError or OSError if it dies before."""
        assert self._received.poll(_CHILD_SECONDS), "the process says nothing"
        return self._received.recv()

    def kill(self, *, with_group: bool) -> None:
        """Kill it; `with_group`, kill its process group."""
        with suppress(ProcessLookupError):
            (os.killpg if with_group else os.kill)(self._process.pid or 0, signal.SIGKILL)

    def join(self) -> int:
        """Wait for its end and return its exit code."""
        eventually(lambda: self.exit_code is not None, within_seconds=_CHILD_SECONDS, message="the process to end")
        self._received.close()
        code = self.exit_code
        assert code is not None
        return code


class IngestProcess:
    """One ingest of a folder in a process of its own, the leader of its own process group."""

    def __init__(self, root: Path, database: Path, *, failpoint: str = "", lingers: bool = False) -> None:
        """Start it. A process that `lingers` stays after it has ingested until it is killed."""
        self._run = uuid.uuid4().hex
        self._process = ForkedProcess(ingest_in_child, root, database, failpoint, lingers, self._run)

    def found(self) -> Seen:
        """Return what was in the store before the ingest, which begins now."""
        seen = self._receive()
        assert isinstance(seen, Seen), f"the store did not open; exit code {self._process.exit_code}"
        return seen

    def kill(self, *, with_milvus: bool) -> None:
        """Kill it as `kill -9` does; with its Milvus and its parser, as the end of a container does."""
        self._process.kill(with_group=with_milvus)

    def ingested(self) -> float | None:
        """Wait for the end of the ingest and return its seconds, or None if the process died before."""
        seconds = self._receive()
        return seconds if isinstance(seconds, float) else None

    def ended(self) -> "Ended":
        """Wait for the end of the process, however it comes."""
        seconds = self.ingested()
        seen = self._receive()
        return Ended(self._process.join(), seconds, seen if isinstance(seen, Seen) else None)

    def assert_nothing_remains(self) -> None:
        """None of the processes that it started is left."""
        eventually(lambda: not _processes_of(self._run), message=f"the processes of {self._run} to end")

    def _receive(self) -> object:
        try:
            return self._process.receive()
        except (EOFError, OSError):  # OSError: killed in the middle of a message
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
