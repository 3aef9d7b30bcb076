"""The process that serves a Milvus Lite file: it starts with a folder of its own, and ends with ours.

We do not use the starter that milvus-lite 2.5.1 brings. All its processes share ~/.cache/milvus, where two that start
at the same time disturb each other ("Mmap manager has not been init"); without HOME they abort; each start takes half a
second; and a second start deletes the lock of the first.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from rag.child_environment import child_environment
from rag.errors import ConfigError, StoreLocked
from rag.private_files import UMASK, make_private, open_private

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.005


class LiteProcess:
    """A running Milvus Lite; `address` is where it listens. It ends at `stop`, or when this process does."""

    def __init__(self, path: Path) -> None:
        """Start it for a database file.

        Raises OSError if it does not start, StoreLocked if a program that uses milvus-lite's starter has the file open,
        and ConfigError if there is no Milvus Lite for this system.
        """
        binary = _binary()
        with ExitStack() as stack:
            stack.enter_context(_guarded(path))
            temporary = TemporaryDirectory(prefix="zhiwen-milvus-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
            lock = stack.enter_context((folder / "lock").open("w"))
            # The process ends when it gets this lock: when we release it, or die.
            fcntl.lockf(lock, fcntl.LOCK_EX)
            self.address = f"unix:{folder / 'socket'}"
            make_private(path)
            # It also prints the errors that it answers with, which we report ourselves.
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603  (the binary that the package ships)
                    [binary, path.absolute(), self.address, "ERROR", lock.name],
                    env=_environment(binary.parent, home=folder),
                    cwd=path.parent,
                    umask=UMASK,
                    stdout=log,
                    stderr=log,
                )
            self._process = process
            stack.callback(_end, process, lock)
            _wait_for(folder / "socket", process, folder / "log")
            self._running = stack.pop_all()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process; what was written is in the file afterwards."""
        self._running.close()


def _wait_for(socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None:
            raise OSError(f"its process ended with status {process.returncode} {log.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise OSError(f"its process did not start within {_START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes], lock: TextIO) -> None:
    lock.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _binary() -> Path:
    package = find_spec("milvus_lite")
    if package is None or package.origin is None:
        raise ConfigError("there is no Milvus Lite for this system; set store.uri to the address of a Milvus server")
    return Path(package.origin).with_name("lib") / "milvus"


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Hold the lock that milvus-lite's own starter takes, to keep other programs out."""
    with open(path.with_name(f".{path.name}.lock"), "w", opener=open_private) as guard:
        try:
            fcntl.lockf(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreLocked(f"{path} is in use by another program; wait for its end, or stop it") from error
        try:
            yield
        finally:
            Path(guard.name).unlink(missing_ok=True)


def _environment(libraries: Path, *, home: Path) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, (str(libraries), os.environ.get("LD_LIBRARY_PATH"))))
    # Without GLOG_minloglevel each start would leave log files in /tmp.
    return child_environment(LD_LIBRARY_PATH=paths, DYLD_LIBRARY_PATH=paths, HOME=str(home), GLOG_minloglevel="3")
