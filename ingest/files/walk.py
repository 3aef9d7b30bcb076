"""All regular files of a folder, whatever else is in it: what cannot be read or must not be is named or counted."""

import errno
import os
import stat
import unicodedata
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ingest.files.confined import resolve_below
from ingest.files.ignore_files import GITIGNORE, IgnoreFiles
from ingest.files.selection import Selection
from rag.errors import KnowledgeError

Reason = Literal[
    "other suffix",
    "not included",
    "excluded",
    "hidden",
    "ignored",
    "link out of the folder",
    "broken link",
    "folder read already",
    "not a regular file",
]
"""Why a file, or a folder with all that is in it, is passed over."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path in the folder and the place where it is, another one if a link leads there."""

    path: PurePosixPath
    place: PurePosixPath
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class OddPlace:
    """A file or folder that is not as it should be. `source` is its path below the root, POSIX style, NFC."""

    source: str
    problem: str


class Walk:
    """One walk through a folder, with what it passed over.

    Links that lead to a place inside the folder are followed, except to what is excluded or ignored. Each folder is
    read once, under its own name if it has one: so a loop of links ends. `unreadable` are places that may hide
    documents; those that `selection` excludes are not opened, or not named if that shows only later.
    """

    def __init__(self, root: Path, selection: Selection, *, gitignore: bool) -> None:
        self._root = root
        self._selection = selection
        self._ignore_files = IgnoreFiles(root, self._name) if gitignore else None
        self._folders: list[tuple[PurePosixPath, PurePosixPath]] = [(PurePosixPath(), PurePosixPath())]
        self._links: deque[tuple[PurePosixPath, PurePosixPath]] = deque()
        self._read: set[PurePosixPath] = set()
        self.passed_over: Counter[Reason] = Counter()
        self.unreadable: list[OddPlace] = []
        self.repeated: list[OddPlace] = []

    def files(self) -> Iterator[Entry]:
        """Yield the files, each folder's in the order of their names. Raises KnowledgeError for an unreadable root."""
        while self._folders or self._links:
            if self._folders:
                yield from self._look_into(*self._folders.pop())
            else:  # after all folders with names of their own
                yield from self._follow(*self._links.popleft())

    def _look_into(self, path: PurePosixPath, place: PurePosixPath) -> Iterator[Entry]:
        self._read.add(place)
        try:
            entries = sorted(os.scandir(self._root / place), key=lambda entry: entry.name)
            # What is in a folder that can be listed but not entered cannot be read either.
            os.stat(os.path.join(self._root, place, "."))  # noqa: PTH116, PTH118  (Path would drop the dot)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if place == PurePosixPath():
                raise KnowledgeError(f"{self._root} cannot be read: {error.strerror}; nothing was changed") from error
            self._name(path, f"cannot be read: {error.strerror}", is_folder=True)
            return
        is_own_name = place == path
        for entry in entries:
            child = path / entry.name
            try:
                yield from self._look_at(entry, child, child if is_own_name else place / entry.name)
            except FileNotFoundError:
                continue
            except OSError as error:
                if self._selection.includes(source_of(child)):
                    self._name(child, f"cannot be read: {error.strerror}")

    def _look_at(self, entry: os.DirEntry[str], path: PurePosixPath, place: PurePosixPath) -> Iterator[Entry]:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith("."):
            self.passed_over["hidden"] += entry.name != GITIGNORE
        elif self._ignore_files and self._ignore_files.leave_out(place, is_folder=is_folder):
            self.passed_over["ignored"] += 1
        elif (is_folder or entry.is_symlink()) and self._prunes(path, place):
            self.passed_over["excluded"] += 1
        elif entry.is_symlink():
            self._links.append((path, place))
        elif is_folder:
            if place in self._read:
                self.passed_over["folder read already"] += 1
            else:
                self._folders.append((path, place))
        else:
            yield from self._regular(path, place, entry.stat(follow_symlinks=False))

    def _follow(self, path: PurePosixPath, link: PurePosixPath) -> Iterator[Entry]:
        try:
            place = resolve_below(self._root, link)
            status = os.lstat(self._root / place) if place is not None else None
        except (FileNotFoundError, NotADirectoryError):
            self.passed_over["broken link"] += 1
            return
        except OSError as error:
            is_loop = error.errno == errno.ELOOP
            self._name(path, "is a link in a loop of links" if is_loop else f"cannot be read: {error.strerror}")
            return
        if place is None or status is None:
            self.passed_over["link out of the folder"] += 1
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        if self._ignore_files and (
            self._ignore_files.leave_out_anywhere(place, is_folder=is_folder)
            or self._ignore_files.leave_out(link, is_folder=is_folder)
        ):
            self.passed_over["ignored"] += 1
        elif self._selection.excludes(source_of(place), is_folder=is_folder):
            self.passed_over["excluded"] += 1
        elif not is_folder:
            yield from self._regular(path, place, status)
        elif place in self._read:
            self.passed_over["folder read already"] += 1
            under = source_of(place) if place != PurePosixPath() else "the folder itself"
            self.repeated.append(OddPlace(source_of(path), f"leads to a folder that is read already ({under})"))
        else:
            self._folders.append((path, place))

    def _regular(self, path: PurePosixPath, place: PurePosixPath, status: os.stat_result) -> Iterator[Entry]:
        if stat.S_ISREG(status.st_mode):
            yield Entry(path, place, status)
        else:
            self.passed_over["not a regular file"] += 1

    def _prunes(self, *paths: PurePosixPath) -> bool:
        return any(self._selection.prunes(source_of(path)) for path in paths)

    def _name(self, path: PurePosixPath, problem: str, *, is_folder: bool = False) -> None:
        source = source_of(path)
        if not self._selection.excludes(source, is_folder=is_folder):
            self.unreadable.append(OddPlace(source, problem))


def source_of(path: PurePosixPath) -> str:
    """Return the path as a source: in NFC, and escaped if it contains characters that are not text."""
    source = unicodedata.normalize("NFC", str(path))
    return source if is_text(source) else escaped(path)


def is_text(source: str) -> bool:
    """Return whether a name can be shown: it has no controls, and no bytes that are no characters."""
    return source.isprintable() or not any(unicodedata.category(char) in ("Cc", "Cs") for char in source)


def escaped(path: PurePosixPath) -> str:
    """Return the path with escapes for everything but ASCII."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
