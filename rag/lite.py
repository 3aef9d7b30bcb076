"""The process that serves a Milvus Lite file: started with a place of its own, and ended with ours.

milvus-lite 2.5.1 brings a starter, which is not used: all its processes share ~/.cache/milvus, where two that start at
once trip over each other ("Mmap manager has not been init"), without HOME they abort, each start takes half a second,
and a second start deletes the lock of the first.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from rag.errors import ConfigError, StoreLocked

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.005


class Lite:
    """A running Milvus Lite; `address` is where it listens. It ends at `stop`, or when this process does."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if it does not start, StoreLocked if a program that uses milvus-lite's starter has the file,
        ConfigError where there is no Milvus Lite for this system.
        """
        binary = _binary()
        self._guard = _guard(path)
        self._place = Path(tempfile.mkdtemp(prefix="zhiwen-milvus-"))
        self._lock = (self._place / "lock").open("w")
        # It ends when it gets this lock: when we let go, or die.
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        socket = self._place / "socket"
        self.address = f"unix:{socket}"
        # It also prints the errors that it answers with, which are ours to tell.
        with (self._place / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (the binary that the package ships)
                [binary, path.absolute(), self.address, "ERROR", self._lock.name],
                env=_environment(binary.parent, home=self._place),
                cwd=path.parent,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_for(socket)
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """What was written is in the file afterwards."""
        self._lock.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)
        Path(self._guard.name).unlink(missing_ok=True)
        self._guard.close()

    def _wait_for(self, socket: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not socket.exists():
            if self._process.poll() is not None:
                said = (self._place / "log").read_text(errors="replace")
                raise OSError(f"its process ended with status {self._process.returncode} {said}")
            if time.monotonic() > deadline:
                raise OSError(f"its process did not start within {_START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)


def _binary() -> Path:
    package = find_spec("milvus_lite")
    if package is None or package.origin is None:
        raise ConfigError("there is no Milvus Lite for this system; set store.uri to the address of a Milvus server")
    return Path(package.origin).with_name("lib") / "milvus"


def _guard(path: Path) -> TextIO:
    """Hold the lock that milvus-lite's own starter asks for, so that other programs keep out."""
    guard = path.with_name(f".{path.name}.lock").open("w")
    try:
        fcntl.lockf(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        guard.close()
        raise StoreLocked(f"{path} is in use by another program; wait for its end, or stop it") from error
    return guard


def _environment(libraries: Path, *, home: Path) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, (str(libraries), os.environ.get("LD_LIBRARY_PATH"))))
    # Without the last, each start would leave log files in /tmp.
    own = {"LD_LIBRARY_PATH": paths, "DYLD_LIBRARY_PATH": paths, "HOME": str(home), "GLOG_minloglevel": "3"}
    return {**os.environ, **own}
