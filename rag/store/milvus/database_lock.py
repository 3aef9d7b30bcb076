"""The file of an embedded database: its name, its lock, and the free space on its disk."""

import fcntl
import os
import re
from pathlib import Path
from typing import TextIO

from rag.errors import ConfigError, StoreError, StoreLocked, StoreUnavailable
from rag.private_files import make_private_folder, open_private

_NAME = re.compile(r"[A-Za-z0-9._-]{1,33}\.db")
_NEEDED_BYTES = 32 << 20  # many times what one batch takes


def check_database_name(path: Path) -> None:
    """Raise ConfigError for a name that Milvus Lite does not take."""
    if not _NAME.fullmatch(path.name):
        raise ConfigError(
            f"store.uri: {path.name!r} cannot be a database file; use letters, digits, '.', '_' and '-', "
            "at most 36 in all, ending in .db, or a server's address such as http://localhost:19530"
        )


def lock_database(path: Path) -> TextIO:
    """Lock the database file for this process, and make its folder. Closing what is returned releases the lock.

    Raises StoreUnavailable if the folder cannot be written, and StoreLocked, naming the process, if another one holds
    the lock.
    """
    try:
        make_private_folder(path.parent)
        return _locked(path)
    except OSError as error:
        raise StoreUnavailable(
            f"{path.parent}: cannot be written: {error.strerror}; set store.uri (ZHIWEN_STORE__URI) to another place"
        ) from error


def check_free_space(path: Path) -> None:
    """Raise StoreError if the disk is nearly full: milvus-lite 2.5.1 acknowledges rows that it could not write."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    if free < _NEEDED_BYTES:
        raise StoreError(
            f"{path}: its disk is full ({free >> 20} MB are free, {_NEEDED_BYTES >> 20} are needed); "
            "free some space and run again"
        )


def _locked(path: Path) -> TextIO:
    # A second process that fails to take Milvus Lite's own lock deletes it, and a third gets in.
    lock = open(path.with_name(f"{path.name}.lock"), "a+", encoding="utf-8", opener=open_private)  # noqa: SIM115  (held)
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
