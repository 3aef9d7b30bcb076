"""What an ingest has to do: the files of the folder compared with the manifest of the store."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ingest.files.scan import File, FolderScan
from rag.errors import DocumentError
from rag.store.records import DocumentRecord


@dataclass(frozen=True, slots=True)
class Move:
    """A file that is new under its path, and the manifest of a document that is gone and had the same bytes."""

    file: File
    record: DocumentRecord


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that are new or changed, the sources of the documents that are gone, and how many are unchanged.

    What was `moved` counts as added and as removed, but is not read. The documents in `hidden` are in a place that
    cannot be read, and those in `held_back` are gone but wait for `--allow-mass-deletion`: both stay live as they are.
    `without_passages` counts the unchanged ones that have none.
    """

    added: tuple[File, ...]
    changed: tuple[File, ...]
    removed: tuple[str, ...]
    unchanged: int
    hidden: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
    without_passages: int = 0
    moved: tuple[Move, ...] = ()

    @property
    def to_read(self) -> tuple[File, ...]:
        """The added and the changed files, by source, without those that were moved."""
        moved = {move.file.source for move in self.moved}
        files = (file for file in (*self.added, *self.changed) if file.source not in moved)
        return tuple(sorted(files, key=lambda file: file.source))

    @property
    def bytes_to_read(self) -> int:
        """The size of the files to read."""
        files = (*self.added, *self.changed)
        return sum(file.size for file in files) - sum(move.file.size for move in self.moved)

    @property
    def kept(self) -> tuple[str, ...]:
        """The documents that stay live although they were not found."""
        return (*self.hidden, *self.held_back)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.added or self.changed or self.removed)


OnPlan = Callable[[Plan], object]


def make_plan(
    found: FolderScan,
    manifest: Mapping[str, DocumentRecord],
    *,
    pipeline_fingerprint: str,
    max_bytes: int,
    verify: bool = False,
    live: Collection[str] | None = None,
) -> Plan:
    """Sort the files into added, changed and unchanged, and name the documents that are gone, or hidden.

    `live` are the documents that readers have, if these are others than those in the manifest.

    A file with the size and time of modification of its record is unchanged, unless `verify`; otherwise the hash of its
    content (of at most `max_bytes`) decides. A document with another pipeline fingerprint is changed.
    """
    added, changed = [], []
    unchanged = without_passages = 0
    for file in found.files:
        record = manifest.get(file.source)
        if record is None:
            added.append(file)
        elif record.pipeline_fingerprint == pipeline_fingerprint and _has_same_content(file, record, max_bytes, verify):
            unchanged += 1
            without_passages += not record.chunks
        else:
            changed.append(file)
    unfound = [source for source in manifest if source not in found.by_source]
    missing = unfound if live is None else [source for source in live if source not in found.by_source]
    hidden = tuple(sorted(filter(found.hides, missing)))
    removed = tuple(sorted(set(unfound) - set(hidden)))
    return Plan(tuple(added), tuple(changed), removed, unchanged, hidden, without_passages=without_passages)


def content_hash(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes in hex."""
    return hashlib.sha256(content).hexdigest()


def _has_same_content(file: File, record: DocumentRecord, max_bytes: int, verify: bool) -> bool:
    if not verify and (file.size, file.modified_ns) == (record.size, record.modified_ns):
        return True
    try:
        return content_hash(file.read(max_bytes)) == record.content_hash
    except DocumentError:
        # The file is read again as a changed one, and reported by name.
        return False
