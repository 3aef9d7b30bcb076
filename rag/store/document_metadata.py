"""The documents of a generation with what their front matter says, for conditions that Milvus cannot express."""

from collections.abc import Mapping
from dataclasses import dataclass

from rag.store.filters import Equals
from rag.store.snapshot import Snapshot
from rag.types import MetadataValue


@dataclass(frozen=True, slots=True)
class DocumentMetadata:
    """`title` is the one that its chunks carry."""

    source: str
    title: str
    metadata: Mapping[str, MetadataValue]


class DocumentMetadataCache:
    """Reads each generation once, and keeps the latest. Shared by all threads."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, int], tuple[DocumentMetadata, ...]] | None = None

    def of(self, snapshot: Snapshot) -> tuple[DocumentMetadata, ...]:
        """All documents, by source. Raises StoreError."""
        key = (snapshot.commit.space, snapshot.generation)
        known = self._known
        if known and known[0] == key:
            return known[1]
        # Every chunk carries its document's front matter, and every document has a first chunk.
        firsts = [stored.chunk for stored in snapshot.chunks(Equals("position", 0))]
        documents = tuple(
            DocumentMetadata(chunk.source, chunk.title, chunk.metadata)
            for chunk in sorted(firsts, key=lambda chunk: chunk.source)
        )
        self._known = (key, documents)
        return documents
