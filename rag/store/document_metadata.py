"""The documents of a generation and their front matter, for conditions that Milvus cannot express."""

from collections.abc import Mapping
from dataclasses import dataclass

from rag.store.filters import Equals
from rag.store.snapshot import Snapshot
from rag.types import MetadataValue


@dataclass(frozen=True, slots=True)
class DocumentMetadata:
    """A document's front matter; `title` is that of its chunks."""

    source: str
    title: str
    metadata: Mapping[str, MetadataValue]


class DocumentMetadataCache:
    """Reads each generation once and keeps the latest. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, int], tuple[DocumentMetadata, ...]] | None = None

    def of(self, snapshot: Snapshot) -> tuple[DocumentMetadata, ...]:
        """Return the documents of a generation, sorted by source. Raises StoreError."""
        key = (snapshot.commit.namespace, snapshot.generation)
        known = self._known
        if known and known[0] == key:
            return known[1]
        # Every chunk holds its document's front matter, and every document with text has a first chunk.
        firsts = list(snapshot.chunks(Equals("position", 0)))
        documents = tuple(
            DocumentMetadata(chunk.source, chunk.title, chunk.metadata)
            for chunk in sorted(firsts, key=lambda chunk: chunk.source)
        )
        self._known = (key, documents)
        return documents
