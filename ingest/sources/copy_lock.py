"""A copy of a source belongs to one ingest at a time, and to the processes that it starts."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import SourceError, StoreLocked
from rag.private_files import make_private_folder


@contextmanager
def copy_lock(file: Path) -> Iterator[int]:
    """Hold the lock of a copy, and yield the descriptor that holds it.

    A child that inherits the descriptor holds the lock, too, so that none is left at work in a copy that another
    process takes for its own. Raises StoreLocked if the lock is held, and SourceError if the file cannot be made.
    """
    try:
        make_private_folder(file.parent)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}; zhiwen keeps a copy of the documents there") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            copy = file.with_suffix("")
            raise StoreLocked(f"{copy} is in use by another ingest; try again when it is done") from error
        yield descriptor
    finally:
        os.close(descriptor)
