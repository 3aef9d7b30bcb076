"""Several knowledge bases read as one: their live generations, searched together, with scores that can be compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.errors import StoreEmpty
from rag.models.embedders.protocol import Vector
from rag.store.background import BackgroundReads
from rag.store.filters import Filter
from rag.store.neighbourhood import Neighbourhood
from rag.store.rankings import Ranking
from rag.store.records import Commit, SnapshotIdentity
from rag.store.rows import StoredChunk
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import JointStatistics
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class JointStore:
    """The stores of several knowledge bases, for readers. They stay open."""

    stores: tuple[Store, ...]

    def snapshot(self) -> "JointSnapshot":
        """Return the live generations, without the knowledge bases that have none yet.

        Raises StoreEmpty if none has one, and StoreError.
        """
        found: list[Snapshot] = []
        for store in self.stores:
            try:
                found.append(store.snapshot())
            except StoreEmpty as error:
                empty = error
        if not found:
            raise empty
        return JointSnapshot(tuple(found))


@dataclass(frozen=True, slots=True)
class JointSnapshot:
    """Reads one generation of each of several knowledge bases; every method raises StoreError.

    Cosines can be compared, because one embedder made all vectors. For BM25, each collection counts its own chunks: a
    word that is rare in one and common in the other would be worth more there. So a score is multiplied by what the
    matching words are worth among the chunks of all, over what they are worth in the collection. The length of chunks
    is still compared with the mean of their own collection.
    """

    parts: tuple[Snapshot, ...]

    @property
    def commits(self) -> Mapping[str, Commit]:
        """The generations by the names of their knowledge bases."""
        return {snapshot.knowledge_base: snapshot.commit for snapshot in self.parts}

    @property
    def identities(self) -> tuple[SnapshotIdentity, ...]:
        """What everything that is read here depends on."""
        return tuple(identity for part in self.parts for identity in part.identities)

    @property
    def generations(self) -> Mapping[str, int]:
        """The number of each generation, by the name of its knowledge base."""
        return {name: commit.generation for name, commit in self.commits.items()}

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder that made the vectors: questions are embedded by one for all."""
        return self.parts[0].fingerprint

    @property
    def generation(self) -> int:
        """0: each knowledge base has a generation of its own."""
        return 0

    @property
    def statistics(self) -> JointStatistics:
        """How many chunks hold each term, in all knowledge bases together."""
        return JointStatistics(tuple(snapshot.statistics for snapshot in self.parts))

    @property
    def is_in_memory(self) -> bool:
        """Whether a search without a filter asks nothing of any store, so that it need not be awaited."""
        return all(part.is_in_memory for part in self.parts)

    @property
    def background(self) -> BackgroundReads:
        """The threads for reads at the same time, which all of them share."""
        return self.parts[0].background

    def rank_by_vector(self, vector: Vector, *, limit: int, search_filter: Filter | None = None) -> Ranking:
        """Return the nearest chunks of all with their cosine similarity, by names for `read_chunks`."""
        return _best(
            limit,
            (
                (_name(number, chunk_id), cosine)
                for number, snapshot in enumerate(self.parts)
                for chunk_id, cosine in snapshot.rank_by_vector(vector, limit=limit, search_filter=search_filter)
            ),
        )

    def rank_by_terms(self, terms: Sequence[str], *, limit: int, search_filter: Filter | None = None) -> Ranking:
        """Return the chunks of all with the highest scores, by names for `read_chunks`."""
        statistics = self.statistics
        idf = {term: statistics.idf(term) for term in terms}
        return _best(
            limit,
            (
                (_name(number, chunk_id), score)
                for number, snapshot in enumerate(self.parts)
                if snapshot.commit.mode == "hybrid"  # otherwise it has nothing to search by terms
                for chunk_id, score in _rank_by_terms(snapshot, idf, limit, search_filter)
            ),
        )

    def read_chunks(self, names: Iterable[str]) -> dict[str, StoredChunk]:
        """Return chunks that a ranking names, by that name."""
        wanted: dict[int, list[str]] = {}
        for name in names:
            number, _, chunk_id = name.partition(":")
            wanted.setdefault(int(number), []).append(chunk_id)
        return {
            _name(number, chunk_id): stored
            for number, ids in wanted.items()
            for chunk_id, stored in self.parts[number].read_chunks(ids).items()
        }

    def chunks(self, search_filter: Filter | None = None) -> Iterator[Chunk]:
        """Yield all chunks for which the filter holds, in no particular order."""
        for snapshot in self.parts:
            yield from snapshot.chunks(search_filter)

    def neighbours(self, wanted: Neighbourhood) -> list[Chunk]:
        """Return the chunks of a neighbourhood, those of each knowledge base from its own generation."""
        return [chunk for snapshot in self.parts for chunk in snapshot.neighbours(wanted)]

    def headings(self) -> list[tuple[str, ...]]:
        """Return the distinct heading paths, by knowledge base, document and position."""
        return list(dict.fromkeys(path for snapshot in self.parts for path in snapshot.headings()))


AnySnapshot = Snapshot | JointSnapshot
"""What a question is answered from."""


def _rank_by_terms(
    snapshot: Snapshot, idf: Mapping[str, float], limit: int, search_filter: Filter | None
) -> Iterator[tuple[str, float]]:
    """Yield the chunks of one generation with the scores that they would have with these `idf` of the terms."""
    ranking = snapshot.rank_by_terms(list(idf), limit=limit, search_filter=search_filter)
    here = {term: snapshot.statistics.idf(term) for term in idf}
    chunks = snapshot.read_chunks(chunk_id for chunk_id, _ in ranking)
    for chunk_id, score in ranking:
        matched = chunks[chunk_id].terms.keys() & idf.keys()
        worth = sum(idf[term] for term in matched) / sum(here[term] for term in matched) if matched else 1.0
        yield chunk_id, score * worth


def _name(number: int, chunk_id: str) -> str:
    """Return a name that is unique in all: two knowledge bases may hold the same text."""
    return f"{number}:{chunk_id}"


def _best(limit: int, found: Iterable[tuple[str, float]]) -> Ranking:
    return sorted(found, key=lambda named: -named[1])[:limit]
