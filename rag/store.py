"""The store as readers see it: one generation of chunks, searched by vector or by terms.

The store is its own ledger. The state row says which generation is live; a `Snapshot` is that row read once, and
everything read through it belongs to that generation, whatever is staged or committed meanwhile.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rag import rows
from rag.config import StoreSettings
from rag.embedders import Vector
from rag.errors import StoreEmpty, StoreError
from rag.expressions import NOW, Moment, Row, literal
from rag.filters import Filter, to_expression
from rag.rows import FACETS_SINCE, SCHEMA_VERSION, StoredChunk, alive_at
from rag.term_statistics import TermStatistics, total
from rag.vocabulary import Chunk

if TYPE_CHECKING:
    from rag.milvus import Milvus

_UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Commit:
    """What one generation is made of. `committed_at` is UTC, ISO 8601; `mode` the retrieval mode it was built for."""

    generation: int
    space: str
    embedder: str
    fingerprint: str
    dimension: int
    schema: int
    mode: str
    committed_at: str
    root: str
    documents: int
    chunks: int
    # Digests of the golden questions asked before it went live, and of those it found.
    golden_asked: tuple[str, ...] = ()
    golden_found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The live generation is the last of `history`. `last_number` is the highest generation number ever committed.

    Every state is a row of its own, with a `version` one higher than the one before.
    """

    version: int
    last_number: int
    history: tuple[Commit, ...]

    @property
    def live(self) -> Commit:
        return self.history[-1]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """The manifest of one document. `recipe` names the chunker and embedder that made its chunks of the bytes."""

    source: str
    content_hash: str
    recipe: str
    size: int
    modified_ns: int
    title: str
    chunks: int


class Store:
    """Milvus with generations on top. Opened once per process, shared by all threads, closed by its owner."""

    def __init__(self, milvus: "Milvus", *, collection: str = "zhiwen") -> None:
        self.milvus = milvus
        self.collection = collection
        self.writing = threading.Lock()
        """Held while an ingest or a rollback runs in this process."""
        self._knows_state = False
        self._statistics: dict[tuple[str, int], TermStatistics] = {}
        self._seen: tuple[int, Moment] = (0, NOW)

    @classmethod
    def open(cls, settings: StoreSettings) -> "Store":
        """Connect. Raises StoreUnavailable, StoreLocked, StoreTimeout or ConfigError."""
        # Read when gRPC is first imported, which else reports on stderr what is raised, and harmless things besides.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        # Imported here: its client takes most of a second to load, and commands that go through a server do without.
        from rag.milvus import Milvus  # noqa: PLC0415

        milvus = Milvus(
            settings.uri,
            token=settings.token.get_secret_value(),
            database=settings.database,
            timeout_seconds=settings.timeout_seconds,
            connect_timeout_seconds=settings.connect_timeout_seconds,
        )
        return cls(milvus, collection=settings.collection)

    @property
    def uri(self) -> str:
        return self.milvus.uri

    @property
    def state_collection(self) -> str:
        return f"{self.collection}_state"

    def close(self) -> None:
        self.milvus.close()

    def state(self) -> State | None:
        """The newest state row, or None before the first commit."""
        if not self._has_state_collection():
            return None
        found = self.milvus.rows(self.state_collection, 'key >= "state-" and key < "state."', ["payload"])
        newest = max((row["payload"] for row in found), key=lambda payload: int(payload["version"]), default=None)
        return _state_from(newest) if newest else None

    def create_state_collection(self) -> None:
        """Make room for the state row, where that was not done yet."""
        if not self._has_state_collection():
            self.milvus.create(self.state_collection, rows.STATE_COLLECTION)

    def term_payloads(self, commit: Commit) -> list[dict[str, object]]:
        """The ledger's term statistics of a generation, each once."""
        expression = f'kind == "terms" and {alive_at(commit.generation)}'
        found = self.milvus.rows(f"{commit.space}_ledger", expression, ["name", "born", "payload"])
        return list({(row["name"], row["born"]): row["payload"] for row in found}.values())

    def _has_state_collection(self) -> bool:
        # Never dropped once it is there, so that most requests need not ask.
        self._knows_state = self._knows_state or self.state_collection in self.milvus.collections()
        return self._knows_state

    def write_state(self, state: State) -> None:
        """The one write by which readers change sides. A new row, for an upsert of Milvus Lite has a gap in it."""
        payload: dict[str, object] = {
            "version": state.version,
            "last_number": state.last_number,
            "history": [asdict(commit) for commit in state.history],
        }
        self.milvus.upsert(self.state_collection, [rows.state_row(_state_key(state.version), payload)])
        older = f'key >= "state-" and key < {literal(_state_key(state.version))}'
        self.milvus.delete(self.state_collection, older)

    def is_settled(self) -> bool:
        """Whether nothing is left behind by a writer that was interrupted, or by a rollback."""
        return not (self._has_state_collection() and self.milvus.count(self.state_collection, f'key == "{_UNSETTLED}"'))

    def unsettle(self) -> None:
        """Note that rows are about to be written which no committed generation knows of."""
        self.create_state_collection()
        if self.is_settled():
            self.milvus.upsert(self.state_collection, [rows.state_row(_UNSETTLED, {})])

    def settle(self) -> None:
        self.milvus.delete(self.state_collection, f'key == "{_UNSETTLED}"')

    def snapshot(self) -> "Snapshot":
        """The live generation, fixed for the length of a request. Raises StoreEmpty before the first commit."""
        state = self.state()
        if state is None:
            raise StoreEmpty(
                "nothing has been ingested yet; run `zhiwen ingest`, or wait for the ingest that is running"
            )
        return Snapshot(self, state.live, since=self._seen_at(state.version))

    def _seen_at(self, version: int) -> Moment:
        """A moment after the state was written, and so after all that its generation is made of.

        A read that must see what was written until just now waits until the server's next tick, 0.2 s. The state is
        read like that each time, its generation needs no more than this.
        """
        known, moment = self._seen
        if known != version:
            moment = self.milvus.moment()
            self._seen = (version, moment)
        return moment

    def statistics(self, commit: Commit) -> TermStatistics:
        """Term statistics of a generation, read once and kept while it is among the latest two asked for."""
        key = (commit.space, commit.generation)
        known = self._statistics.get(key)
        if known is None:
            known = total(self.term_payloads(commit))
            latest = list(self._statistics.items())[-1:]
            self._statistics = dict([*latest, (key, known)])
        return known


class Snapshot:
    """Reads of one generation. `since` is a moment after it was written; by default they see the latest writes."""

    def __init__(
        self, store: Store, commit: Commit, statistics: TermStatistics | None = None, *, since: Moment = NOW
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
                yield rows.stored_chunk(row)

    def chunks_with_vectors(self, sources: Sequence[str]) -> Iterator[tuple[Chunk, Vector]]:
        """The chunks of these documents, in no particular order; name no more than two hundred at once."""
        names = ", ".join(literal(source) for source in sources)
        expression = f"{self._expression(None)} and source in [{names}]"
        seen: set[str] = set()
        for row in self._rows(expression, [*rows.CHUNK_FIELDS, "vector"]):
            if row["id"] not in seen:
                seen.add(row["id"])
                yield rows.stored_chunk(row).chunk, np.asarray(row["vector"], dtype=np.float32)

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
        return next(self._records(f'kind == "document" and name == {literal(source)}'), None)

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
        expression = to_expression(condition, literal)
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
    return [(rows.stored_chunk(row), score) for row, score in reversed(best.values())]


def _state_from(payload: dict[str, Any]) -> State:
    history = tuple(
        Commit(
            **commit | {"golden_asked": tuple(commit["golden_asked"]), "golden_found": tuple(commit["golden_found"])}
        )
        for commit in payload["history"]
    )
    if not history or history[-1].schema > SCHEMA_VERSION:
        raise StoreError("the index was written by a newer zhiwen; upgrade, or point store.collection elsewhere")
    return State(int(payload["version"]), int(payload["last_number"]), history)


def _state_key(version: int) -> str:
    return f"state-{version:012d}"
