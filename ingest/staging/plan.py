"""What an ingest has to do: the files of the folder against the manifest of the store."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ingest.files.scan import File
from rag.errors import DocumentError, KnowledgeError
from rag.store.versions import Commit, DocumentRecord

MAX_DELETED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    added: tuple[File, ...]
    changed: tuple[File, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def to_read(self) -> tuple[File, ...]:
        return tuple(sorted((*self.added, *self.changed), key=lambda file: file.source))

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


OnPlan = Callable[[Plan], object]


def make_plan(
    files: Sequence[File],
    manifest: Mapping[str, DocumentRecord],
    *,
    recipe: str,
    max_bytes: int,
    verify: bool = False,
) -> Plan:
    """Sort the files into added, changed and unchanged, and name the documents that are gone.

    Equal size and time of modification vouch for equal content, unless `verify`; otherwise the content hash decides. A
    document made by another recipe is changed.
    """
    added, changed, unchanged = [], [], []
    for file in files:
        record = manifest.get(file.source)
        if record is None:
            added.append(file)
        elif _is_unchanged(file, record, recipe=recipe, max_bytes=max_bytes, verify=verify):
            unchanged.append(file.source)
        else:
            changed.append(file)
    present = {file.source for file in files}
    removed = sorted(source for source in manifest if source not in present)
    return Plan(tuple(added), tuple(changed), tuple(removed), tuple(unchanged))


def check_mass_deletion(gone: int, live: Commit | None, root: str) -> None:
    """Raises KnowledgeError if more than MAX_DELETED_SHARE of the live documents would go."""
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
    return hashlib.sha256(content).hexdigest()


def _is_unchanged(file: File, record: DocumentRecord, *, recipe: str, max_bytes: int, verify: bool) -> bool:
    if record.recipe != recipe:
        return False
    if not verify and (file.size, file.modified_ns) == (record.size, record.modified_ns):
        return True
    try:
        return content_hash(file.read(max_bytes)) == record.content_hash
    except DocumentError:
        # Left to the reading proper, which reports it by name.
        return False
