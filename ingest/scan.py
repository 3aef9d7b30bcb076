"""The files of the knowledge folder that are documents; nothing outside of it is ever read."""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from rag.errors import DocumentError, KnowledgeError

GOLDEN_FILE = "golden.yaml"


@dataclass(frozen=True, slots=True)
class File:
    """A document's file: `source` is its path below `root`, POSIX style, NFC; `path` the same as it is on disk.

    `flaw` says why it cannot be a document, whatever it holds.
    """

    source: str
    root: Path
    path: PurePosixPath
    size: int
    modified_ns: int
    flaw: str = ""

    def read(self, max_bytes: int) -> bytes:
        """Raises DocumentError for a file that has a flaw, is too large, gone or unreadable."""
        if self.flaw:
            raise DocumentError(f"{self.source}: {self.flaw}")
        try:
            with os.fdopen(_open_below(self.root, self.path), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise DocumentError(f"{self.source}: is not a regular file")
                content = file.read(max_bytes + 1)
        except OSError as error:
            raise DocumentError(f"{self.source}: cannot be read: {error.strerror}") from error
        if len(content) > max_bytes:
            raise DocumentError(f"{self.source}: larger than knowledge.max_file_bytes ({max_bytes})")
        return content


def scan(root: Path, *, include: Sequence[str], exclude: Sequence[str] = (), gitignore: bool = True) -> list[File]:
    """The regular files below `root` that match `include` and not `exclude`, ordered by source.

    Patterns are gitignore's. Hidden files and folders, symbolic links, devices and pipes are passed over.

    Raises KnowledgeError, naming the folder, if it is missing, not a folder, unreadable, or holds no documents.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise KnowledgeError(f"{root} {what}; set knowledge.path (ZHIWEN_KNOWLEDGE__PATH) to your folder of documents")
    wanted, unwanted = GitIgnoreSpec.from_lines(include), GitIgnoreSpec.from_lines(exclude)
    entries = list(_walk(root, PurePosixPath(), gitignore=gitignore))
    names = Counter((status.st_dev, status.st_ino) for _, status in entries)
    files: dict[str, File] = {}
    for path, status in entries:
        source = unicodedata.normalize("NFC", str(path))
        if not wanted.match_file(source) or unwanted.match_file(source):
            continue
        flaw = ""
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in source):
            source = os.fsencode(str(path)).decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
            flaw = "its name holds characters that are not text; rename it"
        elif source in files:
            source, flaw = str(path), f"has the same name as {source!r}, in another Unicode form; rename one of them"
        elif status.st_nlink > names[status.st_dev, status.st_ino]:
            flaw = "is hard-linked from outside the folder; copy it instead"
        files[source] = File(source, root, path, status.st_size, status.st_mtime_ns, flaw)
    if not files:
        raise KnowledgeError(f"{root} holds no documents that match {', '.join(include)}; nothing was changed")
    return sorted(files.values(), key=lambda file: file.source)


def _walk(root: Path, folder: PurePosixPath, *, gitignore: bool) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as error:
        raise KnowledgeError(f"{root / folder} cannot be read: {error.strerror}; nothing was changed") from error
    ignored = _read_gitignore(root / folder) if gitignore else GitIgnoreSpec([])
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        below = _walk(root, folder / entry.name, gitignore=gitignore) if is_folder else _regular(entry, folder)
        for path, status in below:
            # Each .gitignore speaks of what is below its own folder.
            if not ignored.match_file(str(path.relative_to(folder))):
                yield path, status


def _regular(entry: os.DirEntry[str], folder: PurePosixPath) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISREG(status.st_mode):
        yield folder / entry.name, status


def _read_gitignore(folder: Path) -> GitIgnoreSpec:
    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{folder / '.gitignore'} cannot be read: {error}; nothing was changed") from error
    return GitIgnoreSpec.from_lines(text.splitlines())


def _open_below(root: Path, path: PurePosixPath) -> int:
    """Open a file folder by folder without following a link that may have taken a name's place since the scan."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in path.parts[:-1]:
            inner = os.open(name, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        # A pipe that has taken the file's place must not be waited for.
        return os.open(path.name, flags | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
