"""What an ingest has to do: the files of the folder compared with the manifest of the store."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ingest.files.scan import File
from rag.errors import DocumentError, KnowledgeError
from rag.store.records import Commit, DocumentRecord

MAX_DELETED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that are new or changed, and the sources of the documents that are gone or unchanged."""

    added: tuple[File, ...]
    changed: tuple[File, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def to_read(self) -> tuple[File, ...]:
        """The added and the changed files, by source."""
        return tuple(sorted((*self.added, *self.changed), key=lambda file: file.source))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.added or self.changed or self.removed)


OnPlan = Callable[[Plan], object]


def make_plan(
    files: Sequence[File],
    manifest: Mapping[str, DocumentRecord],
    *,
    pipeline_fingerprint: str,
    max_bytes: int,
    verify: bool = False,
) -> Plan:
    """Sort the files into added, changed and unchanged, and name the documents that are gone.

    A file with the size and time of modification of its record is unchanged, unless `verify`; otherwise the hash of its
    content (of at most `max_bytes`) decides. A document with another pipeline fingerprint is changed.
    """
    added, changed, unchanged = [], [], []
    for file in files:
        record = manifest.get(file.source)
        if record is None:
            added.append(file)
        elif record.pipeline_fingerprint == pipeline_fingerprint and _has_same_content(file, record, max_bytes, verify):
            unchanged.append(file.source)
        else:
            changed.append(file)
    present = {file.source for file in files}
    removed = sorted(source for source in manifest if source not in present)
    return Plan(tuple(added), tuple(changed), tuple(removed), tuple(unchanged))


def check_mass_deletion(gone: int, live: Commit | None, root: str) -> None:
    """Raise KnowledgeError if more than MAX_DELETED_SHARE of the live documents would go."""
    if live is None or gone <= live.documents * MAX_DELETED_SHARE:
        return
    problem = f"{gone} of {live.documents} documents are gone from the folder; nothing was changed. "
    if live.root != root:
        raise KnowledgeError(
            f"{problem}The index was made from {live.root}, the folder now is {root}: for a second folder set another "
            "store.collection (ZHIWEN_STORE__COLLECTION); to replace the first, run again with --allow-mass-deletion"
        )
    raise KnowledgeError(f"{problem}If that is meant, run again with --allow-mass-deletion")


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
