"""One generation as readers see it: its chunks, found by vector, by terms or by a filter, and its manifest.

Everything read through a `Snapshot` belongs to its generation, whatever is staged or committed meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import StoreError
from rag.knowledge_base_names import DEFAULT
from rag.models.embedders.protocol import Vector
from rag.packed_records import PackedRecords
from rag.store import rows
from rag.store.background import BackgroundReads
from rag.store.bm25 import score_chunks
from rag.store.chunk_cache import ChunkCache
from rag.store.collection_spec import LATEST, ReadTimestamp, Row
from rag.store.columns import TERMS_COLUMN
from rag.store.expressions import alive_at, quote_value, value_lists
from rag.store.filter_expressions import expression_at
from rag.store.filters import Equals, Filter
from rag.store.manifest import pack_manifest
from rag.store.neighbourhood import Neighbourhood
from rag.store.rankings import Ranking, best_distinct
from rag.store.records import Commit, DocumentRecord, SnapshotIdentity
from rag.store.rows import StoredChunk
from rag.store.term_statistics import TermStatistics
from rag.store.whole_generation import WholeGeneration
from rag.types import Chunk

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus


class Snapshot:
    """Reads one generation; every method raises StoreError.

    `statistics` returns the term statistics of the generation. `chunk_cache` keeps the chunks that searches find; None
    for a generation that is not committed. `since` is a timestamp after the generation was written; by default a read
    waits for the latest writes. `background` has threads for reads at the same time.
    """

    def __init__(
        self,
        milvus: "Milvus",
        commit: Commit,
        *,
        statistics: Callable[[Commit], TermStatistics],
        chunk_cache: ChunkCache | None,
        background: BackgroundReads,
        since: ReadTimestamp = LATEST,
        knowledge_base: str = DEFAULT,
    ) -> None:
        self._milvus = milvus
        self._load_statistics = statistics
        self._chunk_cache = chunk_cache
        self._since = since
        self.background = background
        self.commit = commit
        self.knowledge_base = knowledge_base

    @property
    def commits(self) -> Mapping[str, Commit]:
        """The generation by the name of its knowledge base, as a `JointSnapshot` has those of several."""
        return {self.knowledge_base: self.commit}

    @property
    def parts(self) -> "tuple[Snapshot, ...]":
        """Itself, as a `JointSnapshot` has several."""
        return (self,)

    @property
    def generations(self) -> Mapping[str, int]:
        """The number of each generation, by the name of its knowledge base."""
        return {name: commit.generation for name, commit in self.commits.items()}

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder that made the vectors."""
        return self.commit.fingerprint

    @property
    def generation(self) -> int:
        """The number of the generation."""
        return self.commit.generation

    @property
    def identities(self) -> tuple[SnapshotIdentity, ...]:
        """What everything that is read here depends on."""
        return (SnapshotIdentity(self.knowledge_base, self.commit),)

    @property
    def is_in_memory(self) -> bool:
        """Whether a search without a filter asks nothing of the store, so that it need not be awaited."""
        return self._whole is not None

    @property
    def statistics(self) -> TermStatistics:
        """How many chunks hold each term."""
        return self._load_statistics(self.commit)

    def search_vectors(
        self, vector: Vector, *, limit: int, search_filter: Filter | None = None
    ) -> list[tuple[StoredChunk, float]]:
        """Return the nearest chunks with their cosine similarity, nearest first."""
        return self._with_chunks(self.rank_by_vector(vector, limit=limit, search_filter=search_filter))

    def search_terms(
        self, terms: Sequence[str], *, limit: int, search_filter: Filter | None = None
    ) -> list[tuple[StoredChunk, float]]:
        """Return the chunks with the highest BM25 score, highest first; none if no chunk holds any of the terms."""
        return self._with_chunks(self.rank_by_terms(terms, limit=limit, search_filter=search_filter))

    def rank_by_vector(self, vector: Vector, *, limit: int, search_filter: Filter | None = None) -> Ranking:
        """Return the ids of the nearest chunks with their cosine similarity."""
        if vector.shape != (self.commit.dimension,):
            raise StoreError(
                f"the index holds vectors of {self.commit.dimension} numbers, the embedder gives {vector.shape[-1]}; "
                "run `zhiwen ingest` with the embedder you want to use"
            )
        self.keep_in_memory(is_asked=True)
        return self._rank(vector, limit, search_filter)

    def rank_by_terms(self, terms: Sequence[str], *, limit: int, search_filter: Filter | None = None) -> Ranking:
        """Return the ids of the chunks with the highest BM25 score; none if no chunk holds any of the terms."""
        if not terms:
            return []
        is_own = (self.is_in_memory and not search_filter) or not self._is_counted_with_others
        if not (found := self._rank(" ".join(terms), limit, search_filter)) or is_own:
            return found
        chunks = self.read_chunks(name for name, _ in found)
        return score_chunks({name: stored.terms for name, stored in chunks.items()}, terms, self.statistics)

    def read_chunks(self, ids: Iterable[str]) -> dict[str, StoredChunk]:
        """Return chunks that a ranking names, by id, from memory or in one read of the store for each 200 of them."""
        wanted = list(dict.fromkeys(ids))
        known = self._chunk_cache.get(self.commit, wanted) if self._chunk_cache else {}
        unknown = [name for name in wanted if name not in known]
        expressions = [f"id in {listed} and {self._expression(None)}" for listed in value_lists(unknown)]
        read = [self._stored(row) for each in expressions for row in self._chunk_rows(each, TERMS_COLUMN)]
        if len(read) < len(unknown):
            raise StoreError(f"generation {self.generation} was deleted while it was read; ask again")
        if read and self._chunk_cache:
            self._chunk_cache.put(self.commit, read)
        return known | {stored.chunk.id: stored for stored in read}

    def keep_in_memory(self, *, is_asked: bool = False) -> None:
        """Begin to read all of a small generation into memory; if a question `is_asked`, not for the first ones."""
        cache = self._chunk_cache
        if cache and (cache.should_complete(self.commit) if is_asked else cache.claim(self.commit)):
            self.background.start(partial(cache.complete, self.commit, self._read_whole))

    def chunks(self, search_filter: Filter | None = None) -> Iterator[Chunk]:
        """Yield all chunks for which the filter holds, in no particular order."""
        yield from map(self._chunk_of, self._chunk_rows(self._expression(search_filter)))

    def neighbours(self, wanted: Neighbourhood) -> list[Chunk]:
        """Return the chunks of a neighbourhood, from memory if all of a small generation are there."""
        wanted = wanted.within(self.knowledge_base)
        if whole := self._whole:
            return whole.places.chunks(wanted)
        return list(self.chunks(wanted.as_filter)) if wanted else []

    def chunks_of(self, source: str) -> list[Chunk]:
        """Return the chunks of one document in order. Raises FilterError for a source that no document can have."""
        return sorted(self.chunks(Equals("source", source)), key=lambda chunk: chunk.position)

    def chunks_with_vectors(self, sources: Sequence[str]) -> Iterator[tuple[Chunk, Vector]]:
        """Yield the chunks of these documents with their vectors, in no particular order."""
        for listed in value_lists(sources):
            for row in self._chunk_rows(f"{self._expression(None)} and source in {listed}", "vector"):
                yield self._chunk_of(row), np.asarray(row["vector"], dtype=np.float32)

    def headings(self) -> list[tuple[str, ...]]:
        """Return the distinct heading paths, by document and position."""
        fields = ["source", "position", "heading_path"]
        found = self._milvus.rows(self._chunks, self._expression(None), fields, since=self._since)
        ordered = sorted(found, key=lambda row: (row["source"], row["position"]))
        return list(dict.fromkeys(rows.heading_path_of(row) for row in ordered))

    def documents(self) -> PackedRecords[DocumentRecord]:
        """Return the manifest, by source."""
        return pack_manifest(self._records('kind == "document"'))

    def document(self, source: str) -> DocumentRecord | None:
        """Return the manifest of one document. Raises FilterError for a source that no document can have."""
        return next(self._records(f'kind == "document" and name == {quote_value(source)}'), None)

    def documents_named(self, sources: Sequence[str]) -> dict[str, DocumentRecord]:
        """Return the manifests of these documents, by source; none for those that do not exist."""
        listed = value_lists(sources)
        found = (self._records(f'kind == "document" and name in {names}') for names in listed)
        return {record.source: record for records in found for record in records}

    def _records(self, expression: str) -> Iterator[DocumentRecord]:
        alive = f"{expression} and {alive_at(self.generation)}"
        manifests = rows.manifests_collection(self.commit.namespace)
        for row in self._milvus.rows(manifests, alive, ["payload"], since=self._since):
            yield DocumentRecord.from_payload(row["payload"])

    @property
    def _whole(self) -> WholeGeneration | None:
        return self._chunk_cache.whole(self.commit) if self._chunk_cache else None

    def _read_whole(self) -> list[tuple[StoredChunk, Vector]]:
        # 200 at a time: a search waits while Milvus reads a page.
        found = self._chunk_rows(alive_at(self.generation), TERMS_COLUMN, "vector", page=200)
        return [(self._stored(row), np.asarray(row["vector"], dtype=np.float32)) for row in found]

    def _chunk_rows(self, expression: str, *more_fields: str, **options: int) -> Iterator[Row]:
        fields = [*rows.chunk_fields(self.commit.schema), *more_fields]
        return rows.each_once(self._milvus.rows(self._chunks, expression, fields, since=self._since, **options))

    def _stored(self, row: Row) -> StoredChunk:
        return rows.from_chunk_row(row, self.knowledge_base, self.commit.label)

    def _chunk_of(self, row: Row) -> Chunk:
        return rows.chunk_of_row(row, self.knowledge_base, self.commit.label)

    @property
    def _is_counted_with_others(self) -> bool:
        """Whether Milvus's BM25 counts other chunks too: those of other parts of the collection, or what is hidden."""
        return self._milvus.is_shared(self._chunks)

    @property
    def _chunks(self) -> str:
        return rows.chunks_collection(self.commit.namespace)

    def _expression(self, search_filter: Filter | None) -> str:
        alive = alive_at(self.generation)
        return f"{alive} and ({expression_at(search_filter, self.commit.schema)})" if search_filter else alive

    def _with_chunks(self, ranking: Ranking) -> list[tuple[StoredChunk, float]]:
        chunks = self.read_chunks(name for name, _ in ranking)
        return [(chunks[name], score) for name, score in ranking]

    def _rank(self, query: Vector | str, limit: int, search_filter: Filter | None) -> Ranking:
        if (whole := self._whole) and not search_filter:
            return whole.rank(query, limit)
        if not self.commit.chunks:
            return []  # milvus-lite 2.5.1 cannot search for terms where there are none
        return best_distinct(lambda at_most: self._ids_found(query, at_most, search_filter), limit)

    def _ids_found(self, query: Vector | str, limit: int, search_filter: Filter | None) -> Ranking:
        expression = self._expression(search_filter)
        found = self._milvus.search(self._chunks, query, expression=expression, limit=limit, since=self._since)
        return [(rows.chunk_id_of(row_id), score) for row_id, score in found]
