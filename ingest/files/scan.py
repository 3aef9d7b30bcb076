"""Finds the documents of the knowledge folder. Nothing outside the folder is read."""

import errno
import unicodedata
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from ingest.files.confined import FileIdentity, read_below
from ingest.files.selection import Selection
from ingest.files.walk import Entry, OddPlace, Reason, Walk, escaped, is_text, source_of
from rag.errors import DocumentError, KnowledgeError
from rag.knowledge_base_names import DEFAULT, section_of
from rag.knowledge_folder import USUAL_NAME, is_too_wide
from rag.packed_records import PackedRecords
from rag.settings import KnowledgeSettings

GOLDEN_FILE = "golden.yaml"
_WHAT_CHOOSES = {"git_url": "git_folder or git_branch", "s3_url": "s3_url", "web_url": "web_url or include"}
_NAME_A_FOLDER = "name your folder of documents: zhiwen --knowledge DIR, or set knowledge.path (ZHIWEN_KNOWLEDGE__PATH)"


@dataclass(frozen=True, slots=True)
class File:
    """The file of a document.

    `source` is its path below `root`, POSIX style, NFC; `path` is where it is on disk, another path if `source` is a
    link. `flaw` says why the file cannot be a document, whatever its content is. `links` is the number of hard links to
    it in the folder, `identity` that of a file with several.
    """

    source: str
    root: Path
    path: str
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
            path = PurePosixPath(self.path)
            return read_below(self.root, path, max_bytes=max_bytes, identity=self.identity, links=self.links)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise DocumentError(f"{self.source}: larger than knowledge.max_file_bytes ({max_bytes})") from error
            raise DocumentError(f"{self.source}: cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class FolderScan:
    """The documents of a folder, by source, and everything else that was met.

    `unreadable` are files and folders that may be or hold documents; `repeated` are links to folders that are read
    under another name. `passed_over` counts files and folders by reason; those with another suffix than the included
    ones are counted by suffix in `other_suffixes`, too.
    """

    by_source: Mapping[str, File]
    unreadable: tuple[OddPlace, ...] = ()
    repeated: tuple[OddPlace, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)
    other_suffixes: Mapping[str, int] = field(default_factory=dict)

    @property
    def files(self) -> Collection[File]:
        """The documents, by source."""
        return self.by_source.values()

    def hides(self, source: str) -> bool:
        """Return whether a document may still be there, although it was not found."""
        return any(source == place.source or source.startswith(f"{place.source}/") for place in self.unreadable)


def scan_knowledge(settings: KnowledgeSettings, knowledge_base: str = DEFAULT) -> FolderScan:
    """Return the documents of the folder of a knowledge base. Raises as `scan`."""
    return scan(
        settings.path,
        include=settings.include,
        exclude=settings.exclude,
        gitignore=settings.heeds_gitignore,
        way_out=_way_out(settings, knowledge_base),
    )


def scan(
    root: Path,
    *,
    include: Sequence[str],
    exclude: Sequence[str] = (),
    gitignore: bool = True,
    way_out: str = _NAME_A_FOLDER,
) -> FolderScan:
    """Return the regular files below `root` that match `include` and not `exclude`.

    The patterns are those of gitignore, with suffixes in any case. Hidden files and folders, links out of the folder,
    devices and pipes are passed over.

    Raises KnowledgeError, naming the folder and `way_out`, if it is missing, not a folder, unreadable or without
    documents.
    """
    if not root.is_dir():
        raise KnowledgeError(f"{_no_folder(root)}; {way_out}")
    selection = Selection(include, exclude)
    walk = Walk(root, selection, gitignore=gitignore)
    suffixes = Counter[str]()
    files = _files(root, walk, selection, suffixes)
    found = FolderScan(
        files,
        tuple(sorted(walk.unreadable, key=lambda place: place.source)),
        tuple(walk.repeated),
        dict((+walk.passed_over).most_common()),
        dict((+suffixes).most_common()),
    )
    if not files:
        raise KnowledgeError(f"{_no_documents(root, include, found)}; put some there, or {way_out}")
    return found


def _files(root: Path, walk: Walk, selection: Selection, suffixes: Counter[str]) -> Mapping[str, File]:
    # A file that links lead to is there once.
    identities: dict[PurePosixPath, FileIdentity] = {}
    unusual: list[Entry] = []

    def usual_files() -> Iterator[File]:
        for entry in _wanted(walk, selection, suffixes, identities):
            if _is_usual(entry):
                source = str(entry.path)
                yield File(source, root, source, entry.status.st_size, entry.status.st_mtime_ns)
            else:
                unusual.append(entry)

    files = PackedRecords(usual_files(), pack=_pack, unpack=partial(_unpack, root))
    links = Counter(identities.values())
    others: dict[str, File] = {}
    for entry in unusual:
        file = _with_links(_file(root, entry, (files, others)), links)
        others[file.source] = file
    return files.including(others.values()) if others else files


def _wanted(
    walk: Walk, selection: Selection, suffixes: Counter[str], identities: dict[PurePosixPath, FileIdentity]
) -> Iterator[Entry]:
    """Yield the entries of documents. Count the others, and note the identity of each file with several links."""
    for entry in walk.files():
        if entry.status.st_nlink > 1:
            identities[entry.place] = FileIdentity.of(entry.status)
        reason = _reason_against(entry, selection)
        if not reason:
            yield entry
        elif entry.path != PurePosixPath(GOLDEN_FILE):
            walk.passed_over[reason] += 1
            suffixes[entry.path.suffix.lower()] += reason == "other suffix"


def _is_usual(entry: Entry) -> bool:
    """Return whether nothing but its path, its size and its time is to be known of a file."""
    path = str(entry.path)
    return entry.place is entry.path and entry.status.st_nlink == 1 and source_of(entry.path) == path


def _reason_against(entry: Entry, selection: Selection) -> Reason | None:
    """Return why a file is not wanted; None if it is."""
    source = unicodedata.normalize("NFC", str(entry.path))
    if not selection.includes(source):
        return "not included" if selection.has_included_suffix(source) else "other suffix"
    if selection.excludes(source):
        return "excluded"
    if entry.place == entry.path:
        return None
    return "excluded" if selection.excludes(unicodedata.normalize("NFC", str(entry.place))) else None


def _file(root: Path, entry: Entry, others: Iterable[Container[str]]) -> File:
    """Return a file, with the flaw that can be seen from its name, and all its hard links."""
    path, status = entry.path, entry.status
    source, flaw = unicodedata.normalize("NFC", str(path)), ""
    if not is_text(source):
        source, flaw = escaped(path), "its name contains characters that are not text; rename it"
    elif any(source in each for each in others):
        source, flaw = str(path), f"has the same name as {source!r}, in another Unicode form; rename one of them"
    identity = FileIdentity.of(status) if status.st_nlink > 1 else None
    return File(source, root, str(entry.place), status.st_size, status.st_mtime_ns, flaw, identity, status.st_nlink)


def _pack(file: File) -> Sequence[str]:
    """Return what there is to know of a file, in five texts more if it is not a usual one."""
    usual = (file.source, str(file.size), f"{file.modified_ns:x}")
    if file.path == file.source and not file.flaw and file.identity is None:
        return usual
    device, inode = (str(file.identity.device), str(file.identity.inode)) if file.identity else ("", "")
    return (*usual, file.path, file.flaw, device, inode, str(file.links))


def _unpack(root: Path, texts: Sequence[str]) -> File:
    source, size, modified_ns, *others = texts
    if not others:
        return File(source, root, source, int(size), int(modified_ns, 16))
    path, flaw, device, inode, links = others
    identity = FileIdentity(int(device), int(inode)) if device else None
    return File(source, root, path, int(size), int(modified_ns, 16), flaw, identity, int(links))


def _with_links(file: File, links: Mapping[FileIdentity, int]) -> File:
    """Return the file with the hard links that are in the folder, and a flaw if there are others."""
    if file.identity is None:
        return file
    count = links[file.identity]
    outside = "is hard-linked from outside the folder; copy it instead" if file.links > count else ""
    return replace(file, flaw=file.flaw or outside, links=count)


def _no_folder(root: Path) -> str:
    problem = f"{root.absolute()} {'is not a folder' if root.exists() else 'does not exist'}"
    if root.name == USUAL_NAME and is_too_wide(root.parent):
        problem += f", and all of {root.parent.absolute()} is ingested only if you name it"
    return problem


def _no_documents(root: Path, include: Sequence[str], found: FolderScan) -> str:
    parts = [f"{root.absolute()} holds no documents that match {', '.join(include)}", "nothing was changed"]
    if found.passed_over:
        parts.append("passed over: " + ", ".join(f"{reason} {count}" for reason, count in found.passed_over.items()))
    parts += [f"{place.source} {place.problem}" for place in found.unreadable]
    return "; ".join(parts)


def _way_out(settings: KnowledgeSettings, knowledge_base: str) -> str:
    section = section_of(knowledge_base)
    if settings.source_url:
        return f"correct {section}.{_WHAT_CHOOSES[settings.source_setting]}"
    return _NAME_A_FOLDER if knowledge_base == DEFAULT else f"correct {section}.path"
