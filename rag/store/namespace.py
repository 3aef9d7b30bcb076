"""The chunks and manifests that one embedder, one schema and one retrieval mode write to.

Every row says in which generation it was born and in which it died, so that readers of one generation see nothing of
the next. No method changes what a committed generation shows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from rag.models.embedders.protocol import Matrix, Vector
from rag.store import rows
from rag.store.bulk_import import BulkImport
from rag.store.collection_spec import LATEST, CollectionSpec, ReadTimestamp, Row
from rag.store.columns import SCHEMA_VERSION
from rag.store.expressions import KEYS_IN_A_LIST, alive_at, value_lists
from rag.store.failpoints import reach_failpoint
from rag.store.imports import Imports
from rag.store.records import DocumentRecord
from rag.store.rows import ALIVE, LiveChunk, StoredChunk
from rag.types import Chunk

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_DOCUMENTS = 'kind == "document"'
_TERMS = 'kind == "terms"'
_LENGTH_TOLERANCE = 0.001
_INSERTED_TOGETHER = 500
_RESTORED_TOGETHER = 2000
_DELETED_TOGETHER = 20_000


class Namespace:
    """Two collections of Milvus: chunks, and manifests with term statistics. Every method raises StoreError.

    `schema` is the version of the columns that the chunks were written with. `since` is a timestamp after everything
    that a read must see was written; by default a read waits for the latest writes.
    """

    def __init__(self, milvus: "Milvus", name: str, *, schema: int = SCHEMA_VERSION) -> None:
        self._milvus = milvus
        self._schema = schema
        self._chunks = rows.chunks_collection(name)
        self._manifests = rows.manifests_collection(name)
        self._import: BulkImport | None = None
        self.name = name

    def create(self, *, dimension: int, lexical: bool) -> None:
        """Create both collections, for vectors of `dimension` numbers; with `lexical`, terms can be searched."""
        chunks = rows.chunk_collection_spec(dimension, lexical=lexical)
        self._milvus.create_both((self._chunks, chunks), (self._manifests, rows.MANIFEST_COLLECTION))

    def load(self) -> None:
        """Read the chunks of a file into memory, which the first use of them does otherwise."""
        self._milvus.load(self._chunks)

    def insert_chunks(self, chunks: Sequence[Chunk], vectors: Matrix, *, born: int) -> list[StoredChunk]:
        """Write chunks that are born in a generation; `vectors` has a row for each. Return them as they are stored."""
        new = [rows.to_chunk_row(chunk, vector, born=born) for chunk, vector in zip(chunks, vectors, strict=True)]
        write = self._import.write if self._import else self._insert
        write(new)
        return [rows.from_chunk_row(row) for row in new]

    def _insert(self, new: Sequence[Row]) -> None:
        batches = [new[start : start + _INSERTED_TOGETHER] for start in range(0, len(new), _INSERTED_TOGETHER)]
        # Four at a time take two thirds of the time on a server; a file takes one after the other.
        with ThreadPoolExecutor(1 if self._milvus.is_embedded else 4) as pool:
            list(pool.map(partial(self._milvus.insert, self._chunks), batches))

    def copy_chunks(self, copies: Iterable[tuple[LiveChunk, Chunk]], *, born: int) -> None:
        """Write stored chunks with the id, source and group of others, which are born in a generation."""
        self._insert([rows.to_copied_row(live.row, chunk, born=born) for live, chunk in copies])

    @contextmanager
    def importing(
        self, imports: Imports, spec: CollectionSpec, *, born: int, check: Callable[[], None]
    ) -> Iterator[None]:
        """Until the context ends, have the chunks imported that are inserted and born in a generation."""
        with imports.open(self._chunks, spec, expression=f"born == {born}", check=check) as self._import:
            yield

    def finish_import(self) -> None:
        """If chunks are imported, wait until readers have all that were inserted."""
        if self._import:
            self._import.finish()

    def live_chunks(self, sources: Sequence[str], *, generation: int, since: ReadTimestamp = LATEST) -> list[LiveChunk]:
        """Return the chunks of these documents that are alive in a generation, in no particular order."""
        fields = rows.all_chunk_fields(self._schema)
        found: list[LiveChunk] = []
        for listed in value_lists(sources):
            expression = f"source in {listed} and {alive_at(generation)}"
            for row in self._milvus.rows(self._chunks, expression, fields, since=since):
                stored = rows.from_chunk_row(row)
                found.append(LiveChunk(stored.chunk, stored.terms, row))
        return found

    def tombstone_chunks(self, chunks: Iterable[LiveChunk], *, died: int) -> None:
        """Let chunks die in a generation; readers of the one before go on seeing them."""
        self._tombstone(self._chunks, [live.row for live in chunks], died)

    def vectors_by_text_hash(self, text_hashes: Sequence[str], *, since: ReadTimestamp = LATEST) -> dict[str, Vector]:
        """Return the vectors that are stored for these texts, in whatever generation, by `text_hash`."""
        known: dict[str, Vector] = {}
        for listed in value_lists(text_hashes, KEYS_IN_A_LIST):
            for row in self._milvus.rows(self._chunks, f"text_hash in {listed}", ["text_hash", "vector"], since=since):
                vector = np.asarray(row["vector"], dtype=np.float32)
                # A write that was broken off must not become part of a generation.
                if abs(float(np.linalg.norm(vector)) - 1) < _LENGTH_TOLERANCE:
                    known[row["text_hash"]] = vector
        return known

    def delete_chunks(self, chunks: Sequence[Chunk], *, born: int) -> list[Counter[str]]:
        """Delete chunks that `insert_chunks` wrote for a generation that nobody reads yet. Return their terms."""
        self.finish_import()
        self._delete_rows(self._chunks, [rows.chunk_row_id(chunk, born=born) for chunk in chunks])
        if self._import:
            self._import.forget(len(chunks))
        return [rows.terms_of(chunk) for chunk in chunks]

    def delete_staged_chunks(self, *, after: int, before: int) -> None:
        """Delete the chunks that were born between two generations, in others that were never committed."""
        self._delete_if_any(self._chunks, f"born > {after} and born < {before}")

    def put_documents(self, records: Sequence[DocumentRecord], *, born: int) -> None:
        """Write manifests that are born in a generation."""
        self._milvus.insert(
            self._manifests,
            [rows.to_manifest_row("document", record.source, record.as_payload(), born=born) for record in records],
        )

    def tombstone_documents(
        self, sources: Sequence[str], *, generation: int, died: int, since: ReadTimestamp = LATEST
    ) -> None:
        """Let the manifests of these documents, as far as they live in `generation`, die in the generation `died`."""
        for listed in value_lists(sources):
            self._tombstone_manifests(f"{_DOCUMENTS} and name in {listed}", generation, died, since)

    def put_terms(self, payloads: Sequence[Mapping[str, object]], *, born: int) -> None:
        """Write changes of the term statistics that are born in a generation."""
        new = [
            rows.to_manifest_row("terms", str(number), dict(each), born=born) for number, each in enumerate(payloads)
        ]
        self._milvus.upsert(self._manifests, new)

    def tombstone_terms(self, *, generation: int, died: int, since: ReadTimestamp = LATEST) -> None:
        """Let the term statistics that live in `generation` die in the generation `died`."""
        self._tombstone_manifests(_TERMS, generation, died, since)

    def term_payloads(self, generation: int) -> list[dict[str, object]]:
        """Return what `put_terms` wrote and is alive in a generation."""
        expression = f"{_TERMS} and {alive_at(generation)}"
        found = self._milvus.rows(self._manifests, expression, ["name", "born", "payload"])
        # A row that is being tombstoned is there twice.
        return list({(row["name"], row["born"]): row["payload"] for row in found}.values())

    def has_chunks(self) -> bool:
        """Whether there is any chunk, in whatever generation."""
        return self._milvus.count(self._chunks, "born > 0") > 0

    def count_chunks(self, generation: int) -> int:
        """Count the chunks that are alive in a generation."""
        return self._milvus.count(self._chunks, alive_at(generation))

    def count_documents(self, generation: int) -> int:
        """Count the documents that are alive in a generation."""
        return self._milvus.count(self._manifests, f"{_DOCUMENTS} and {alive_at(generation)}")

    def restore(self, generation: int, *, spared: Sequence[int] = ()) -> None:
        """Undo what was written for later generations: delete rows born in them, restore rows that died in them.

        Chunks born in one of the `spared` generations stay, one for each text. May be repeated after it was interrupted
        anywhere. Writes nothing if there is nothing to undo.
        """
        self._delete_if_any(self._manifests, f"born > {generation}")
        born = f"born > {generation}"
        self._delete_if_any(self._chunks, f"{born} and born not in {list(spared)}" if spared else born)
        if len(spared) > 1:
            self._delete_repeated_texts(born)
        for collection, fields in ((self._chunks, rows.all_chunk_fields(self._schema)), (self._manifests, ["*"])):
            tombstones = f"died > {generation} and died < {ALIVE}"
            while some := list(islice(self._milvus.rows(collection, tombstones, fields), _RESTORED_TOGETHER)):
                self._restore_rows(collection, some)

    def purge(self, generation: int) -> None:
        """Delete the rows that no reader of this generation or a later one sees."""
        for collection in (self._chunks, self._manifests):
            self._delete_if_any(collection, f"died <= {generation}")

    def _tombstone_manifests(self, expression: str, generation: int, died: int, since: ReadTimestamp) -> None:
        live = list(self._milvus.rows(self._manifests, f"{expression} and {alive_at(generation)}", ["*"], since=since))
        self._tombstone(self._manifests, live, died)

    def _tombstone(self, collection: str, live: Sequence[Row], died: int) -> None:
        """Write a copy of each row that says when it dies, and delete the row after that.

        An upsert of Milvus Lite deletes and inserts: a reader, or a kill, in between would find no row at all. Here
        they find one row or both, and readers take the two for one.
        """
        tombstones = [row | {"row_id": f"{row['row_id']}-{died}", "died": died} for row in live]
        self._milvus.insert(collection, tombstones)
        reach_failpoint("tombstones_written")
        self._delete_rows(collection, [row["row_id"] for row in live])

    def _restore_rows(self, collection: str, tombstones: Sequence[Row]) -> None:
        """Reverse `_tombstone`, which may have been interrupted anywhere."""
        by_original = {row["row_id"].rpartition("-")[0]: row for row in tombstones}
        originals: set[str] = set()
        for listed in value_lists(list(by_original)):
            found = self._milvus.rows(collection, f"row_id in {listed}", ["row_id"])
            originals.update(row["row_id"] for row in found)
        missing = [
            row | {"row_id": row_id, "died": ALIVE} for row_id, row in by_original.items() if row_id not in originals
        ]
        self._milvus.upsert(collection, missing)
        self._delete_rows(collection, [row["row_id"] for row in tombstones])

    def _delete_repeated_texts(self, expression: str) -> None:
        seen: set[str] = set()
        repeated: list[str] = []
        for row in self._milvus.rows(self._chunks, expression, ["row_id", "text_hash"]):
            if row["text_hash"] in seen:
                repeated.append(row["row_id"])
            seen.add(row["text_hash"])
        self._delete_rows(self._chunks, repeated)

    def _delete_rows(self, collection: str, row_ids: Sequence[str]) -> None:
        for listed in value_lists(row_ids, KEYS_IN_A_LIST):
            self._milvus.delete(collection, f"row_id in {listed}")

    def _delete_if_any(self, collection: str, expression: str) -> None:
        # A server keeps what it deletes by an expression in memory.
        while (count := self._milvus.count(collection, expression)) > _DELETED_TOGETHER:
            some = islice(self._milvus.rows(collection, expression, ["row_id"]), _DELETED_TOGETHER)
            self._delete_rows(collection, [row["row_id"] for row in some])
        if count:
            self._milvus.delete(collection, expression)
