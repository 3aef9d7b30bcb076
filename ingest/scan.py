"""The files of the knowledge folder that are documents."""

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from rag.errors import DocumentError, KnowledgeError


@dataclass(frozen=True, slots=True)
class File:
    """`source` is the path relative to the root, POSIX style, NFC; `path` is the one to open."""

    source: str
    path: Path
    size: int
    modified_ns: int

    def read(self, max_bytes: int) -> bytes:
        """Raises DocumentError for a file that is too large, gone or unreadable."""
        try:
            # Opened without following a link that may have taken the file's place since the scan.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(max_bytes + 1)
        except OSError as error:
            raise DocumentError(f"{self.source}: cannot be read: {error.strerror}") from error
        if len(content) > max_bytes:
            raise DocumentError(f"{self.source}: larger than knowledge.max_file_bytes ({max_bytes})")
        return content


def scan(root: Path, *, include: Sequence[str], exclude: Sequence[str] = ()) -> list[File]:
    """The regular files below `root` that match `include` and not `exclude`, ordered by source.

    Patterns are gitignore's. Hidden files and folders, and links of any kind, are passed over, so that nothing outside
    the root is ever read.

    Raises KnowledgeError, naming the folder, if it is missing, not a folder, unreadable, or holds no documents.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise KnowledgeError(f"{root} {what}; set knowledge.path (ZHIWEN_KNOWLEDGE__PATH) to your folder of documents")
    wanted, unwanted = GitIgnoreSpec.from_lines(include), GitIgnoreSpec.from_lines(exclude)
    files = [
        file for file in _walk(root, root) if wanted.match_file(file.source) and not unwanted.match_file(file.source)
    ]
    if not files:
        raise KnowledgeError(f"{root} holds no documents that match {', '.join(include)}; nothing was changed")
    return sorted(files, key=lambda file: file.source)


def _walk(folder: Path, root: Path) -> Iterator[File]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise KnowledgeError(f"{folder} cannot be read: {error.strerror}; nothing was changed") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root)
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            source = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
            yield File(source, path, status.st_size, status.st_mtime_ns)
