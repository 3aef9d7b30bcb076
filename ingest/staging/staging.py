"""The next generation in the making.

Readers of the live generation see nothing of it: what is new is born in it, what is gone dies in it, and one write of
the state makes it live. `ingest/staging/recovery.py` undoes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from ingest.staging.counting import count_generation
from ingest.staging.garbage import collect_garbage
from ingest.staging.layout import layout_of
from ingest.staging.staged_terms import stage_terms
from rag.errors import StoreError
from rag.models.embedders.protocol import Embedder, Matrix, Vector
from rag.store.failpoints import reach_failpoint
from rag.store.namespace import Namespace
from rag.store.records import Commit, DocumentRecord, StagedGeneration, State
from rag.store.rows import LiveChunk, chunk_collection_spec
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.term_statistics import TermChanges, sum_statistics
from rag.types import Chunk


class Staging:
    """Stages one generation for one embedder and retrieval mode. Use it within `write_lease`, after `recover`.

    `check_lease` is called before each write and raises StoreLocked if another writer has taken over. `resumed` are
    generations of the same layout that were interrupted: the vectors of their chunks are taken over. If the live
    generation has another layout, or with `fresh`, everything is staged into a new namespace.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        *,
        mode: str,
        check_lease: Callable[[], None] = lambda: None,
        fresh: bool = False,
        resumed: Sequence[StagedGeneration] = (),
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._layout = layout_of(store, embedder, mode)
        self._check_lease = check_lease
        self.notes = store.notes
        self._state = store.state()
        # What readers have was written before. A read that also waits for the latest writes takes 0.2 s on a server.
        self._since = store.read_timestamp()
        self.resumed = resumed
        # A number of its own, so that the chunks of the resumed ones can be told apart and deleted at the end.
        numbers = [each.generation for each in resumed]
        self.generation = max(self._state.last_number if self._state else 0, *numbers, 0) + 1
        self.is_fresh = fresh or self.live is None or self.live.layout != self._layout
        self._base = None if self.is_fresh else self.live
        self._namespace = self._open_namespace()
        self._exists = not self.is_fresh or bool(resumed)
        self._terms = TermChanges()
        self._has_begun = self._is_noted = self._is_imported = False

    @property
    def live(self) -> Commit | None:
        """The generation that readers have; None before the first commit."""
        return self._state.live if self._state else None

    def load_chunks(self) -> None:
        """Have the store read its chunks into memory; any thread may do this ahead of the first use of them."""
        if self._exists:
            self._namespace.load()

    def chunks_of(self, *sources: str) -> list[LiveChunk]:
        """Return the chunks of these documents that this generation starts from: none in a new namespace."""
        if not self._base or not sources:
            return []
        return self._namespace.live_chunks(sources, generation=self._base.generation, since=self._since)

    def live_documents(self) -> Mapping[str, DocumentRecord]:
        """Return the manifest that readers have, whichever embedder it was made with."""
        return self._store.snapshot_of(self.live, since=self._since).documents() if self.live else {}

    def live_chunks_of(self, source: str) -> list[Chunk]:
        """Return the chunks of a document that readers have, whichever embedder they were made with."""
        return self._store.snapshot_of(self.live, since=self._since).chunks_of(source) if self.live else []

    def vectors_by_text_hash(self, text_hashes: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors that the embedder has made for these texts already, in whatever generation, by hash.

        A new namespace takes over those of the one that it replaces: another schema or mode changes no vector.
        """
        known: dict[str, Vector] = {}
        for namespace in self._namespaces_with_vectors():
            wanted = sorted(set(text_hashes) - known.keys())
            known |= namespace.vectors_by_text_hash(wanted, since=self._since)
        return known

    def importing(self, chunks: int) -> AbstractContextManager[None]:
        """Until the context ends, import in bulk what is inserted, if about this number of chunks is worth it."""
        self._is_imported = self.is_fresh and self._store.imports.are_worth_it(chunks)
        if not self._is_imported:
            return nullcontext()
        spec = chunk_collection_spec(self._embedder.dimension, lexical=self._layout.mode == "hybrid")
        return self._namespace.importing(self._store.imports, spec, born=self.generation, check=self._check_lease)

    def insert_chunks(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        """Write chunks that are born in this generation; `vectors` has a row for each."""
        self._create_namespace()
        self._check_lease()
        self._note()
        for stored in self._namespace.insert_chunks(chunks, vectors, born=self.generation):
            self._terms.add(stored.terms.elements())
        reach_failpoint("chunks_inserted")

    def withdraw_chunks(self, chunks: Sequence[Chunk]) -> None:
        """Delete chunks that were written with `insert_chunks`."""
        self._check_lease()
        for terms in self._namespace.delete_chunks(chunks, born=self.generation):
            self._terms.remove(terms.elements())

    def tombstone_chunks(self, chunks: Iterable[LiveChunk]) -> None:
        """Let chunks die in this generation; readers of the live one go on seeing them."""
        self._begin()
        self._check_lease()
        dying = list(chunks)
        for chunk in dying:
            self._terms.remove(chunk.terms.elements())
        self._namespace.tombstone_chunks(dying, died=self.generation)
        reach_failpoint("chunks_tombstoned")

    def put_documents(self, records: Sequence[DocumentRecord]) -> None:
        """Write the manifests of new or changed documents."""
        self._create_namespace()
        self._tombstone_documents([record.source for record in records])
        self._namespace.put_documents(records, born=self.generation)
        reach_failpoint("documents_put")

    def move_documents(self, copies: Sequence[tuple[LiveChunk, Chunk]], records: Mapping[str, DocumentRecord]) -> None:
        """Give documents other sources: each chunk gets a copy that differs from it in what names it, and dies.

        `records` are the new manifests, by the old sources.
        """
        self._begin()
        self._check_lease()
        self._namespace.copy_chunks(copies, born=self.generation)
        self._namespace.tombstone_chunks([live for live, _ in copies], died=self.generation)
        self._tombstone_documents(list(records))
        self._namespace.put_documents(list(records.values()), born=self.generation)
        reach_failpoint("documents_moved")

    def remove_documents(self, sources: Sequence[str]) -> int:
        """Remove documents with all their chunks. Return the number of chunks."""
        chunks = self.chunks_of(*sources)
        self.tombstone_chunks(chunks)
        self._tombstone_documents(sources)
        reach_failpoint("documents_removed")
        return len(chunks)

    def seal(self, root: str) -> Snapshot:
        """End the staging. Return the generation as readers would see it, counted in the store itself.

        `root` is the folder that it was made from.
        """
        self._create_namespace()
        self._namespace.finish_import()
        self._discard_resumed()
        stage_terms(self._namespace, self._terms, self._base, born=self.generation, since=self._since)
        reach_failpoint("terms_written")
        sealed = count_generation(
            self._namespace, self.generation, embedder=self._embedder, layout=self._layout, root=root
        )
        self._check_count(sealed.chunks)
        # The store keeps statistics by generation, and this number may never go live: these are not for it to keep.
        statistics = sum_statistics(self._namespace.term_payloads(self.generation))
        return self._store.snapshot_of(sealed, statistics=lambda _: statistics)

    def commit(self, sealed: Commit, *, keep: int) -> None:
        """Make the sealed generation live; `keep` earlier ones stay for `roll_back`.

        Raises StoreError, and leaves the live generation as it is, if another writer committed meanwhile.
        """
        self._check_lease()
        if self._store.state() != self._state:
            raise StoreError(
                f"{self._store.uri}: another process committed a generation meanwhile; nothing was changed, run again"
            )
        self._check_count(self._namespace.count_chunks(self.generation))
        before = self._state.history if self._state else ()
        version = self._state.version + 1 if self._state else 1
        self._store.publish(State(version, self.generation, (*before, sealed)[-(keep + 1) :]))
        reach_failpoint("committed")
        collect_garbage(self._store, spared=before[-1:])
        reach_failpoint("garbage_collected")
        self._store.notes.mark_clean()

    def _discard_resumed(self) -> None:
        """Delete the chunks of the resumed generations, whose vectors are taken over by now."""
        if self.resumed:
            after = self._base.generation if self._base else 0
            self._namespace.delete_staged_chunks(after=after, before=self.generation)
            reach_failpoint("resumed_discarded")

    def _check_count(self, staged: int) -> None:
        """Two writers that got past the lease stage the same number; neither may make the mixture live."""
        written = (self._base.chunks if self._base else 0) + self._terms.chunks
        if staged != written:
            raise StoreError(
                f"{self._store.uri}: {staged} chunks are staged where {written} were written; does another "
                "process write to it? Nothing was changed, run again"
            )

    def _open_namespace(self) -> Namespace:
        if self._base:
            return self._store.namespace_of(self._base)
        if self.resumed:
            return self._store.staged_namespace(self.resumed[-1].namespace)
        return self._store.new_namespace(self.generation)

    def _namespaces_with_vectors(self) -> Iterator[Namespace]:
        if self._exists:
            yield self._namespace
        if self.live and self.is_fresh and self.live.fingerprint == self._embedder.fingerprint:
            yield self._store.namespace_of(self.live)

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._store.notes.mark_dirty()

    def _create_namespace(self) -> None:
        self._begin()
        if self._exists:
            return
        self._namespace.create(dimension=self._embedder.dimension, lexical=self._layout.mode == "hybrid")
        self._exists = True
        reach_failpoint("namespace_created")

    def _note(self) -> None:
        # Not before the namespace exists as a whole.
        if not self._is_noted:
            self._is_noted = True
            staged = StagedGeneration(self.generation, self._namespace.name, self._layout, self._is_imported)
            self._store.notes.note_staged(staged)

    def _tombstone_documents(self, sources: Sequence[str]) -> None:
        if self._base:
            generation, died = self._base.generation, self.generation
            self._namespace.tombstone_documents(sources, generation=generation, died=died, since=self._since)
