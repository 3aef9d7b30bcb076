"""Reads a file below a folder and nothing outside it, even if something else has taken the file's place."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Two names with the same identity are hard links to one file."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileIdentity":
        """Return the identity of the file with this status."""
        return cls(status.st_dev, status.st_ino)


def leads_below(path: str) -> bool:
    """Return whether a path with `/` leads to something below a folder: each part is a name, none is empty or dots.

    >>> leads_below("a/b.md"), leads_below("../b.md"), leads_below("/b.md"), leads_below("a//b.md"), leads_below("")
    (True, False, False, False, False)
    """
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


def read_below(
    root: Path, path: PurePosixPath, *, max_bytes: int, identity: FileIdentity | None = None, links: int = 1
) -> bytes:
    """Return the bytes of the regular file `path` below `root`. Only `root` itself may be a symbolic link.

    `links` is the number of hard links to `identity` below `root`. If the file has that identity, it may have as many
    links, otherwise one: any more would be a name outside the folder.

    Raises OSError, with EINVAL if the path does not lead below the root, and EFBIG for more than `max_bytes`. Its
    `strerror` can follow "cannot be read: " in a message.
    """
    with os.fdopen(_open_below(root, path), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if status.st_nlink > (links if FileIdentity.of(status) == identity else 1):
            raise OSError(errno.EPERM, "it is hard-linked from elsewhere; copy it instead")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {max_bytes} bytes")
    return content


def resolve_below(root: Path, path: PurePosixPath) -> PurePosixPath | None:
    """Return where `path` leads if links are followed, relative to the root; None if that is outside of it.

    What is there may be replaced at any time: read it with `read_below`, which follows no link. Raises OSError if it
    leads nowhere or in a circle, or has a part that is no name, such as `..`.
    """
    _check_below(path)
    real = os.path.realpath(root / path, strict=True)
    try:
        return PurePosixPath(real).relative_to(os.path.realpath(root))
    except ValueError:
        return None


def _open_below(root: Path, path: PurePosixPath) -> int:
    """Open a file folder by folder, so that no part of its path can be a link."""
    _check_below(path)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in path.parts[:-1]:
            inner = os.open(name, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Without O_NONBLOCK, a pipe in the place of the file would block.
        return os.open(path.name, flags | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link") from error
        raise
    finally:
        os.close(folder)


def _check_below(path: PurePosixPath) -> None:
    if not leads_below(str(path)):
        raise OSError(errno.EINVAL, "its path leads out of the folder")
