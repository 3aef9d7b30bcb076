"""One generation as it is read: its chunks, found by vector, by terms or by a condition, and its manifest.

Everything read through a `Snapshot` belongs to its generation, whatever is staged or committed meanwhile.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import StoreError
from rag.models.embedders.protocol import Vector
from rag.store import rows
from rag.store.expressions import LATEST, ReadTimestamp, Row, quote_value
from rag.store.filters import Filter, to_milvus_expression
from rag.store.rows import FACETS_SINCE, StoredChunk, alive_at
from rag.store.term_statistics import TermStatistics
from rag.store.versions import Commit, DocumentRecord
from rag.types import Chunk

if TYPE_CHECKING:
    from rag.store.store import Store


class Snapshot:
    """Reads of one generation. `since` is a moment after it was written; by default they see the latest writes."""

    def __init__(
        self, store: "Store", commit: Commit, statistics: TermStatistics | None = None, *, since: ReadTimestamp = LATEST
    ) -> None:
        self._store = store
        self._statistics = statistics
        self._since = since
        self.commit = commit

    @property
    def generation(self) -> int:
        return self.commit.generation

    @property
    def statistics(self) -> TermStatistics:
        return self._statistics or self._store.statistics(self.commit)

    def search_vectors(
        self, vector: Vector, *, limit: int, condition: Filter | None = None
    ) -> list[tuple[StoredChunk, float]]:
        """The nearest chunks with their cosine similarity, nearest first."""
        if vector.shape != (self.commit.dimension,):
            raise StoreError(
                f"the index holds vectors of {self.commit.dimension} numbers, the embedder gives {vector.shape[-1]}; "
                "run `zhiwen ingest` with the embedder you want to use"
            )
        return self._search(vector, limit, condition)

    def search_terms(
        self, terms: Sequence[str], *, limit: int, condition: Filter | None = None
    ) -> list[tuple[StoredChunk, float]]:
        """The chunks with the highest BM25 score, highest first; none if no term is known."""
        return self._search(" ".join(terms), limit, condition) if terms else []

    def chunks(self, condition: Filter | None = None) -> Iterator[StoredChunk]:
        """All chunks that match, in no particular order."""
        seen: set[str] = set()
        for row in self._rows(self._expression(condition), rows.CHUNK_FIELDS):
            if row["id"] not in seen:
                seen.add(row["id"])
                yield rows.from_chunk_row(row)

    def chunks_with_vectors(self, sources: Sequence[str]) -> Iterator[tuple[Chunk, Vector]]:
        """The chunks of these documents, in no particular order; name no more than two hundred at once."""
        names = ", ".join(quote_value(source) for source in sources)
        expression = f"{self._expression(None)} and source in [{names}]"
        seen: set[str] = set()
        for row in self._rows(expression, [*rows.CHUNK_FIELDS, "vector"]):
            if row["id"] not in seen:
                seen.add(row["id"])
                yield rows.from_chunk_row(row).chunk, np.asarray(row["vector"], dtype=np.float32)

    def headings(self) -> list[tuple[str, ...]]:
        """The distinct heading paths, by document and position."""
        fields = ["source", "position", "heading_path"]
        found = self._rows(self._expression(None), fields)
        ordered = sorted(found, key=lambda row: (row["source"], row["position"]))
        return list(dict.fromkeys(rows.heading_path_of(row) for row in ordered))

    def documents(self) -> dict[str, DocumentRecord]:
        """The manifest by source."""
        return {record.source: record for record in self._records('kind == "document"')}

    def document(self, source: str) -> DocumentRecord | None:
        """The manifest of one document. Raises FilterError for a source that no document can have."""
        return next(self._records(f'kind == "document" and name == {quote_value(source)}'), None)

    def _records(self, expression: str) -> Iterator[DocumentRecord]:
        alive = f"{expression} and {alive_at(self.generation)}"
        ledger = f"{self.commit.space}_ledger"
        for row in self._store.milvus.rows(ledger, alive, ["payload"], since=self._since):
            yield DocumentRecord(**row["payload"])

    def _rows(self, expression: str, fields: Sequence[str]) -> Iterator[Row]:
        return self._store.milvus.rows(self._chunks, expression, fields, since=self._since)

    @property
    def _chunks(self) -> str:
        return f"{self.commit.space}_chunks"

    def _expression(self, condition: Filter | None) -> str:
        alive = alive_at(self.generation)
        if not condition:
            return alive
        expression = to_milvus_expression(condition, quote_value)
        if self.commit.schema < FACETS_SINCE and 'facets["' in expression:
            raise StoreError(
                "the index was written by an earlier zhiwen and cannot be filtered by front matter; "
                "run `zhiwen ingest`, which builds it anew"
            )
        return f"{alive} and ({expression})"

    def _search(self, query: Vector | str, limit: int, condition: Filter | None) -> list[tuple[StoredChunk, float]]:
        if not self.commit.chunks:
            return []  # milvus-lite 2.5.1 cannot search for terms where there are none
        found = self._rows_found(query, limit, condition)
        distinct = _distinct(found)
        if len(distinct) < limit == len(found):
            # Rows that are just being buried are there twice and took places of others: twice as many places will do.
            distinct = _distinct(self._rows_found(query, 2 * limit, condition))
        return distinct[:limit]

    def _rows_found(self, query: Vector | str, limit: int, condition: Filter | None) -> list[tuple[Row, float]]:
        return self._store.milvus.search(
            self._chunks,
            query,
            expression=self._expression(condition),
            limit=limit,
            fields=rows.CHUNK_FIELDS,
            since=self._since,
        )


def _distinct(found: Sequence[tuple[Row, float]]) -> list[tuple[StoredChunk, float]]:
    best = {row["id"]: (row, score) for row, score in reversed(found)}
    return [(rows.from_chunk_row(row), score) for row, score in reversed(best.values())]
