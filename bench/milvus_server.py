"""A Milvus server on this machine, and what it takes of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kit.process_table import processor_seconds

_LOOK_SECONDS = 5.0
_IDLE_CORES = 0.3
_MOST_SECONDS = 7200.0
_SESSION_SECONDS = 120  # a server whose machine is busier for longer than this ends itself


@dataclass(frozen=True, slots=True)
class MilvusServer:
    """A running server, its process and its folder."""

    uri: str
    pid: int
    folder: Path

    def peak_mb(self) -> int:
        """Return the most memory that it has had, in MB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))

    def disk_mb(self) -> int:
        """Return the size of all its files, in MB."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) // 1024**2

    def wait_until_idle(self) -> None:
        """Wait until it computes almost nothing: it builds indexes in the background, and old ones do not say so.

        Raises TimeoutError after two hours.
        """
        end, computed = time.monotonic() + _MOST_SECONDS, processor_seconds(self.pid)
        while time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
            before, computed = computed, processor_seconds(self.pid)
            if computed - before < _IDLE_CORES * _LOOK_SECONDS:
                return
        raise TimeoutError(f"Milvus has computed for {_MOST_SECONDS:.0f} s since the last insert")


@contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusServer]:
    """Start the server that the tests use, with its data in a new folder; stop it at the end."""
    # Imported here: the extra dev has it for Linux on x86-64 only.
    from tests.kit.milvus_process import MilvusProcess  # noqa: PLC0415

    folder.mkdir(parents=True)
    process = MilvusProcess(folder, session_seconds=_SESSION_SECONDS)
    try:
        yield MilvusServer(process.uri, process.pid, folder)
    finally:
        process.stop()
