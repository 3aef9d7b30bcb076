"""The next generation in the making.

Readers of the live generation see nothing of it: what is new is born in it, what is gone dies in it, and one write of
the state row makes it live; `ingest/staging/recovery.py` undoes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np

from ingest.staging.failpoints import reach_failpoint
from ingest.staging.recovery import collect_garbage, listed, tombstone_rows
from rag.errors import StoreError
from rag.models.embedders.protocol import Embedder, Matrix, Vector
from rag.store import rows
from rag.store.expressions import Row, quote_value
from rag.store.filters import Equals
from rag.store.rows import SCHEMA_VERSION, alive_at, to_chunk_row, to_manifest_row
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import TermChanges, compact_statistics, sum_statistics
from rag.store.versions import Commit, DocumentRecord, State
from rag.types import Chunk

_MAX_DIFFERENCES = 32
_REMOVED_TOGETHER = 50
"""Documents. A write and a deletion cost a file of many rows 0.1 s and more each, however few rows they are of."""


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """A stored row with its vector, and the chunk in it."""

    chunk: Chunk
    row: Row


class Staging:
    """Stages one generation for one embedder and retrieval mode. Use within `writing`, after `repair`.

    `still_mine` is asked before each write and raises StoreLocked if another writer has taken over.

    If the embedder, the schema or the mode is not the live generation's, everything is staged into a fresh space; with
    `fresh` in any case.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        *,
        mode: str,
        still_mine: Callable[[], None] = lambda: None,
        fresh: bool = False,
    ) -> None:
        self._store = store
        self._milvus = store.milvus
        self._embedder = embedder
        self._mode = mode
        self._still_mine = still_mine
        self._state = store.state()
        # What readers have was written before; on a server a read that also waits for the latest write takes 0.2 s.
        self._since = store.milvus.moment()
        self.generation = (self._state.last_number if self._state else 0) + 1
        live = self._state.live if self._state else None
        identity = (embedder.fingerprint, SCHEMA_VERSION, mode)
        self.is_fresh = fresh or live is None or (live.fingerprint, live.schema, live.mode) != identity
        self._live = None if self.is_fresh else live
        self._space = self._live.space if self._live else f"{store.collection}_g{self.generation}"
        self._exists = not self.is_fresh
        self._terms = TermChanges()
        self._begun = False
        self._chunk_count = live.chunks if self._live and live else 0

    @property
    def live(self) -> Commit | None:
        """What readers have; None before the first commit."""
        return self._state.live if self._state else None

    def documents(self) -> dict[str, DocumentRecord]:
        """The manifest that this generation starts from: empty in a fresh space."""
        return self._snapshot(self._live).documents() if self._live else {}

    def replaced_documents(self) -> dict[str, DocumentRecord]:
        """The manifest that readers have, whatever embedder it was made with."""
        return self._snapshot(self._state.live).documents() if self._state else {}

    def replaced_chunks_of(self, source: str) -> list[Chunk]:
        """The chunks of a document that readers have, whatever embedder they were made with."""
        if not self._state:
            return []
        found = self._snapshot(self._state.live).chunks(Equals("source", source))
        return sorted((stored.chunk for stored in found), key=lambda chunk: chunk.position)

    def chunks_of(self, *sources: str) -> list[LiveChunk]:
        """The live chunks of a document, or of several."""
        if not self._live:
            return []
        names = ", ".join(quote_value(source) for source in sources)
        expression = f"source in [{names}] and {alive_at(self._live.generation)}"
        fields = [*rows.columns_of(SCHEMA_VERSION), "vector"]
        found = self._milvus.rows(self._chunks, expression, fields, since=self._since)
        return [LiveChunk(rows.from_chunk_row(row).chunk, row) for row in found]

    def vectors_of(self, text_hashes: Sequence[str]) -> dict[str, Vector]:
        """Vectors that the embedder has made for these texts already, by hash, whichever generation they belong to.

        A fresh space takes over those of the one that it replaces: another schema or mode is no reason to embed again.
        """
        known: dict[str, Vector] = {}
        for chunks in self._with_vectors():
            for names in listed(sorted(set(text_hashes) - known.keys())):
                expression = f"text_hash in {names}"
                for row in self._milvus.rows(chunks, expression, ["text_hash", "vector"], since=self._since):
                    known[row["text_hash"]] = np.asarray(row["vector"], dtype=np.float32)
        return known

    def add(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        """Chunks that are born in this generation; `vectors` has a row for each."""
        self._create_space()
        self._still_mine()
        new = [to_chunk_row(chunk, vector, born=self.generation) for chunk, vector in zip(chunks, vectors, strict=True)]
        for row in new:
            self._terms.add(row["terms"].split(" "))
        self._milvus.upsert(self._chunks, new)
        self._chunk_count += len(new)
        reach_failpoint("chunks_added")

    def retire(self, chunks: Iterable[LiveChunk]) -> None:
        """Chunks that die in this generation; readers of the live one go on seeing them."""
        self._begin()
        self._still_mine()
        retired = [chunk.row for chunk in chunks]
        for row in retired:
            self._terms.remove(row["terms"].split(" "))
        tombstone_rows(self._milvus, self._chunks, retired, self.generation)
        self._chunk_count -= len(retired)
        reach_failpoint("chunks_retired")

    def put_documents(self, records: Sequence[DocumentRecord]) -> None:
        """The manifests of new or changed documents."""
        self._create_space()
        self._retire_manifests([record.source for record in records])
        new = [to_manifest_row("document", record.source, asdict(record), born=self.generation) for record in records]
        self._milvus.upsert(self._ledger, new)
        reach_failpoint("documents_put")

    def remove_documents(self, sources: Sequence[str]) -> int:
        """Documents that are gone, with all their chunks. Returns the number of chunks."""
        removed = 0
        for start in range(0, len(sources), _REMOVED_TOGETHER):
            chunks = self.chunks_of(*sources[start : start + _REMOVED_TOGETHER])
            self.retire(chunks)
            removed += len(chunks)
        self._retire_manifests(sources)
        reach_failpoint("documents_removed")
        return removed

    def seal(self, root: str) -> Snapshot:
        """End the staging: the generation as readers would see it, counted anew from the store."""
        self._create_space()
        self._write_term_changes()
        reach_failpoint("terms_written")
        sealed = Commit(
            generation=self.generation,
            space=self._space,
            embedder=self._embedder.name,
            fingerprint=self._embedder.fingerprint,
            dimension=self._embedder.dimension,
            schema=SCHEMA_VERSION,
            mode=self._mode,
            committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            root=root,
            documents=self._milvus.count(self._ledger, f'kind == "document" and {alive_at(self.generation)}'),
            chunks=self._milvus.count(self._chunks, alive_at(self.generation)),
        )
        self._check_count(sealed.chunks)
        # Not by way of the store, which keeps statistics by generation: this number may never go live.
        return Snapshot(self._store, sealed, sum_statistics(self._store.term_payloads(sealed)))

    def commit(self, sealed: Commit, *, keep: int) -> None:
        """Make the sealed generation live; `keep` earlier ones stay for `roll_back`.

        Raises StoreError, leaving the live generation as it is, if another writer committed meanwhile.
        """
        self._still_mine()
        if self._store.state() != self._state:
            raise StoreError(
                f"{self._store.uri}: another process committed a generation meanwhile; nothing was changed, run again"
            )
        self._check_count(self._milvus.count(self._chunks, alive_at(self.generation)))
        before = self._state.history if self._state else ()
        version = self._state.version + 1 if self._state else 1
        self._store.write_state(State(version, self.generation, (*before, sealed)[-(keep + 1) :]))
        reach_failpoint("committed")
        collect_garbage(self._store, spared=before[-1:])
        reach_failpoint("garbage_collected")
        self._store.settle()

    def _check_count(self, staged: int) -> None:
        """Two writers that got past the lease stage the same number; neither may make the mixture live."""
        if staged != self._chunk_count:
            raise StoreError(
                f"{self._store.uri}: {staged} chunks are staged where {self._chunk_count} were written; does another "
                "process write to it? Nothing was changed, run again"
            )

    def _snapshot(self, commit: Commit) -> Snapshot:
        return Snapshot(self._store, commit, since=self._since)

    @property
    def _chunks(self) -> str:
        return f"{self._space}_chunks"

    @property
    def _ledger(self) -> str:
        return f"{self._space}_ledger"

    def _with_vectors(self) -> Iterator[str]:
        if self._exists:
            yield self._chunks
        replaced = self.live
        if replaced and self.is_fresh and replaced.fingerprint == self._embedder.fingerprint:
            yield f"{replaced.space}_chunks"

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._store.unsettle()

    def _create_space(self) -> None:
        self._begin()
        if self._exists:
            return
        lexical = self._mode == "hybrid"
        chunks = rows.chunk_collection(self._embedder.dimension, lexical=lexical)
        self._milvus.create_both((self._chunks, chunks), (self._ledger, rows.LEDGER_COLLECTION))
        self._exists = True
        reach_failpoint("space_created")

    def _retire_manifests(self, sources: Sequence[str]) -> None:
        self._begin()
        for names in listed(sources):
            self._retire_ledger(f'kind == "document" and name in {names}')

    def _retire_ledger(self, condition: str) -> None:
        if not self._live:
            return
        expression = f"{condition} and {alive_at(self._live.generation)}"
        live = list(self._milvus.rows(self._ledger, expression, ["*"], since=self._since))
        tombstone_rows(self._milvus, self._ledger, live, self.generation)

    def _write_term_changes(self) -> None:
        payloads: Sequence[Mapping[str, object]] = self._terms.payloads()
        if self._live:
            standing = list(self._store.term_payloads(self._live))
            whole = compact_statistics(sum_statistics([*standing, *payloads]))
            if len(standing) + len(payloads) > 2 * len(whole) + _MAX_DIFFERENCES:
                self._retire_ledger('kind == "terms"')
                payloads = whole
        self._milvus.upsert(
            self._ledger,
            [
                to_manifest_row("terms", str(number), dict(payload), born=self.generation)
                for number, payload in enumerate(payloads)
            ],
        )
