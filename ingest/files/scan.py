"""Finds the documents of the knowledge folder. Nothing outside the folder is read."""

import errno
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from ingest.files.confined import FileIdentity, read_below
from ingest.files.gitignore import IgnoreRules, is_ignored, parse_gitignore
from rag.errors import DocumentError, KnowledgeError
from rag.knowledge_folder import USUAL_NAME, is_too_wide
from rag.settings import KnowledgeSettings

GOLDEN_FILE = "golden.yaml"
_GITIGNORE = ".gitignore"
_MAX_GITIGNORE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """The file of a document.

    `source` is its path below `root`, POSIX style, NFC; `path` is the same path as on disk. `flaw` says why the file
    cannot be a document, whatever its content is. `links` is the number of hard links to it in the folder.
    """

    source: str
    root: Path
    path: PurePosixPath
    size: int
    modified_ns: int
    flaw: str = ""
    identity: FileIdentity | None = None
    links: int = 1

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes. Raises DocumentError for a file that has a flaw, is too large, missing or unreadable."""
        if self.flaw:
            raise DocumentError(f"{self.source}: {self.flaw}")
        try:
            return read_below(self.root, self.path, max_bytes=max_bytes, identity=self.identity, links=self.links)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise DocumentError(f"{self.source}: larger than knowledge.max_file_bytes ({max_bytes})") from error
            raise DocumentError(f"{self.source}: cannot be read: {error.strerror}") from error


def scan_knowledge(settings: KnowledgeSettings) -> list[File]:
    """Return the documents of the configured folder. Raises as `scan`."""
    return scan(settings.path, include=settings.include, exclude=settings.exclude, gitignore=settings.gitignore)


def scan(root: Path, *, include: Sequence[str], exclude: Sequence[str] = (), gitignore: bool = True) -> list[File]:
    """Return the regular files below `root` that match `include` and not `exclude`, ordered by source.

    The patterns are those of gitignore. Hidden files and folders, symbolic links, devices and pipes are skipped.

    Raises KnowledgeError, naming the folder, if it is missing, not a folder, unreadable or without documents.
    """
    if not root.is_dir():
        raise KnowledgeError(_no_folder(root))
    wanted, unwanted = GitIgnoreSpec.from_lines(include), GitIgnoreSpec.from_lines(exclude)
    entries = list(_walk(root, PurePosixPath(), () if gitignore else None))
    links = Counter(FileIdentity.of(status) for _, status in entries)
    files: dict[str, File] = {}
    for path, status in entries:
        source = unicodedata.normalize("NFC", str(path))
        if not wanted.match_file(source) or unwanted.match_file(source):
            continue
        identity, flaw = FileIdentity.of(status), ""
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in source):
            source = os.fsencode(str(path)).decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
            flaw = "its name contains characters that are not text; rename it"
        elif source in files:
            source, flaw = str(path), f"has the same name as {source!r}, in another Unicode form; rename one of them"
        elif status.st_nlink > links[identity]:
            flaw = "is hard-linked from outside the folder; copy it instead"
        files[source] = File(source, root, path, status.st_size, status.st_mtime_ns, flaw, identity, links[identity])
    if not files:
        raise KnowledgeError(
            f"{root.absolute()} holds no documents that match {', '.join(include)}; nothing was changed; "
            "put some there, or name another folder: zhiwen --knowledge DIR"
        )
    return sorted(files.values(), key=lambda file: file.source)


def _no_folder(root: Path) -> str:
    problem = f"{root.absolute()} {'is not a folder' if root.exists() else 'does not exist'}"
    if root.name == USUAL_NAME and is_too_wide(root.parent):
        problem += f", and all of {root.parent.absolute()} is ingested only if you name it"
    way_out = "name your folder of documents: zhiwen --knowledge DIR, or set knowledge.path (ZHIWEN_KNOWLEDGE__PATH)"
    return f"{problem}; {way_out}"


def _walk(
    root: Path, folder: PurePosixPath, rules: Sequence[IgnoreRules] | None
) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    """Yield the regular files below `folder`; if `rules` is None, none is ignored."""
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as error:
        raise KnowledgeError(f"{root / folder} cannot be read: {error.strerror}; nothing was changed") from error
    if rules is not None:
        rules = (*rules, *_ignore_rules(root, folder, entries))
    for entry in entries:
        path = folder / entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(".") or entry.is_symlink() or is_ignored(path, is_folder=is_folder, rules=rules or ()):
            continue
        if is_folder:
            yield from _walk(root, path, rules)
        else:
            yield from _regular(entry, path)


def _regular(entry: os.DirEntry[str], path: PurePosixPath) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISREG(status.st_mode):
        yield path, status


def _ignore_rules(root: Path, folder: PurePosixPath, entries: Sequence[os.DirEntry[str]]) -> tuple[IgnoreRules, ...]:
    """Return the rules of a folder's own .gitignore, if it has one. Like git, do not follow a link."""
    if not any(entry.name == _GITIGNORE and not entry.is_symlink() for entry in entries):
        return ()
    try:
        text = read_below(root, folder / _GITIGNORE, max_bytes=_MAX_GITIGNORE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KnowledgeError(f"{root / folder / _GITIGNORE} cannot be read: {reason}; nothing was changed") from error
    return (parse_gitignore(folder, text),)
