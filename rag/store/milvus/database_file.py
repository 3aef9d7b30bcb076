"""The file of an embedded database: its name, one process at a time, and room on its disk."""

import fcntl
import os
import re
from pathlib import Path
from typing import TextIO

from rag.errors import ConfigError, StoreError, StoreLocked, StoreUnavailable

_NAME = re.compile(r"[A-Za-z0-9._-]{1,33}\.db")
_ROOM_BYTES = 32 << 20  # many times what one batch takes


def lock_database(path: Path) -> TextIO:
    """Hold the database file for this process, and make its folder. Let go by closing what is returned.

    Raises ConfigError for a name that Milvus Lite does not take, StoreUnavailable if the folder cannot be written,
    StoreLocked, naming the process, if another one holds it.
    """
    if not _NAME.fullmatch(path.name):
        raise ConfigError(
            f"store.uri: {path.name!r} cannot be a database file; use letters, digits, '.', '_' and '-', "
            "at most 36 in all, ending in .db, or a server's address such as http://localhost:19530"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _locked(path)
    except OSError as error:
        raise StoreUnavailable(f"{path.parent}: cannot be written: {error.strerror}") from error


def check_free_space(path: Path) -> None:
    """Raises StoreError: milvus-lite 2.5.1 acknowledges rows for which there was no room in the file."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    if free < _ROOM_BYTES:
        raise StoreError(
            f"{path}: its disk is full ({free >> 20} MB are free, {_ROOM_BYTES >> 20} are needed); make room, run again"
        )


def _locked(path: Path) -> TextIO:
    # Milvus Lite's own lock is deleted by a second process that fails to take it, and a third gets in.
    lock = path.with_name(f"{path.name}.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StoreLocked(f"{path} is in use by process {holder or 'unknown'}; wait for its end, or stop it") from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
