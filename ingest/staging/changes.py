"""What a document changes in the next generation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ingest.staging.document_cutter import CutDocument
from rag.store.rows import LiveChunk
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document as it was cut, its chunks that must be written, and those in the store that must be tombstoned.

    `added` and `removed` count the chunks that are new and those that are gone; one that only moved is neither.
    """

    cut: CutDocument
    to_write: tuple[Chunk, ...]
    to_tombstone: tuple[LiveChunk, ...]
    added: int
    removed: int


def compare(cut: CutDocument, old: Sequence[LiveChunk]) -> DocumentChange:
    """Leave alone the chunks that are as they were; write again those that only moved, with their old vectors."""
    before = {live.chunk.id: asdict(live.chunk) for live in old}
    new_ids = {chunk.id for chunk in cut.chunks}
    kept = {chunk.id for chunk in cut.chunks if before.get(chunk.id) == asdict(chunk)}
    return DocumentChange(
        cut,
        to_write=tuple(chunk for chunk in cut.chunks if chunk.id not in kept),
        to_tombstone=tuple(live for live in old if live.chunk.id not in kept),
        added=0 if cut.is_old_version else len(new_ids - before.keys()),
        removed=len(before.keys() - new_ids),
    )
