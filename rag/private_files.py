"""Files and folders that only their owner may read, whatever the umask: an index is as private as its documents."""

import logging
import os
from contextlib import suppress
from pathlib import Path

UMASK = 0o077
"""For a child process that writes files of ours: nobody but the owner may read them."""

_FOLDER, _FILE = 0o700, 0o600
_OURS = ".zhiwen"

log = logging.getLogger("zhiwen.files")


def open_private(path: str, flags: int) -> int:
    """The `opener` of `open` for a file that, if it is new, its owner alone may read and write."""
    return os.open(path, flags, _FILE)


def make_private_folder(path: Path) -> None:
    """Make a folder, with those above it that are missing. Raises OSError.

    A folder that exists already is left as it is, unless it is called `.zhiwen` and therefore ours.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process was faster
            folder.mkdir(_FOLDER)
            folder.chmod(_FOLDER)  # the umask may have taken more away
    path.mkdir(exist_ok=True)  # raises if it is a file
    if path.name == _OURS and not missing:
        make_private(path)


def make_private(path: Path) -> None:
    """Let nobody else read or change a file or folder of ours, if it exists: an earlier version may have let them.

    If this user or the file system cannot do so, a warning is logged.
    """
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o777
        if mode & UMASK:
            try:
                path.chmod(mode & ~UMASK)
            except OSError as error:
                log.warning("%s: other users of this machine can read it (%s)", path, error.strerror)
