"""The one place where tests reach into Milvus itself: the rows of a store, and a connection that fails on demand."""

import json
from collections.abc import Sequence

from rag.errors import StoreError
from rag.store import rows
from rag.store.collection_spec import CollectionSpec, Row
from rag.store.expressions import alive_at
from rag.store.milvus.client import Milvus
from rag.store.records import Commit
from rag.store.rows import ALIVE
from rag.store.store import Store


class WatchedMilvus(Milvus):
    """A connection that counts its `writes` and fails at the one whose number is `refuses_write`."""

    writes = 0
    refuses_write = 0

    def begin_to_count(self) -> None:
        """Count from 0, and refuse nothing."""
        self.writes = self.refuses_write = 0

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        if rows:
            self._count()
        super().upsert(name, rows)

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        if rows:
            self._count()
        super().insert(name, rows)

    def delete(self, name: str, expression: str) -> None:
        self._count()
        super().delete(name, expression)

    def create(self, name: str, collection: CollectionSpec) -> None:
        self._count()
        super().create(name, collection)

    def drop(self, name: str) -> None:
        self._count()
        super().drop(name)

    def _count(self) -> None:
        self.writes += 1
        if self.writes == self.refuses_write:
            raise StoreError(f"{self.uri}: write {self.writes} was refused")


def connection_of(store: Store) -> Milvus:
    """The connection that a store uses."""
    return store._milvus


def watched(store: Store) -> WatchedMilvus:
    """The connection of a store that was opened on a `WatchedMilvus`."""
    connection = connection_of(store)
    assert isinstance(connection, WatchedMilvus)
    return connection


def another_store(store: Store, *, collection: str = "") -> Store:
    """A store on the same connection that remembers nothing; by default of the same collections."""
    return Store(connection_of(store), collection=collection or store.collection)


def collections_of(store: Store) -> list[str]:
    """The names of a store's collections."""
    return [name for name in connection_of(store).collections() if name.startswith(f"{store.collection}_")]


def drop_collections_of(store: Store) -> None:
    for name in collections_of(store):
        connection_of(store).drop(name)


def every_row(store: Store) -> list[str]:
    """All rows of a store, whatever their generation, a line each."""
    return sorted(
        f"{name} {json.dumps(row, sort_keys=True, default=float)}"
        for name in collections_of(store)
        for row in connection_of(store).rows(name, f'{_key(name)} != ""', ["*"])
    )


def chunk_rows(store: Store, commit: Commit) -> list[Row]:
    """The rows of a generation's chunks with their vectors; one that is being tombstoned is there twice."""
    name = rows.chunks_collection(commit.namespace)
    return list(connection_of(store).rows(name, alive_at(commit.generation), ["*", "vector"]))


def count_chunk_rows(store: Store, expression: str = 'row_id != ""') -> int:
    """How many rows of the live namespace's chunks match, whatever their generation."""
    return connection_of(store).count(rows.chunks_collection(store.snapshot().commit.namespace), expression)


def count_staged_rows(store: Store) -> int:
    """How many chunk rows there are in all namespaces, whether a generation shows them or not."""
    return sum(
        connection_of(store).count(name, 'row_id != ""') for name in collections_of(store) if name.endswith("_chunks")
    )


def scale_vectors(store: Store, factor: float) -> int:
    """Write all chunk rows again, with their vectors multiplied; return how many there are."""
    connection, changed = connection_of(store), 0
    for name in collections_of(store):
        if name.endswith("_chunks"):
            found = list(connection.rows(name, 'row_id != ""', ["*"]))
            torn = [row | {"vector": [float(number) * factor for number in row["vector"]]} for row in found]
            connection.upsert(name, torn)
            changed += len(torn)
    return changed


def count_manifest_rows(store: Store, expression: str) -> int:
    """How many rows of the live namespace's manifests and term statistics match, whatever their generation."""
    return connection_of(store).count(rows.manifests_collection(store.snapshot().commit.namespace), expression)


def litter(store: Store) -> list[str]:
    """What a finished ingest must not leave: rows unborn or long dead, unfinished tombstones, unused namespaces.

    Rows that died in the oldest kept generation may still be there, for requests that began before it, and so may an
    older state beside the newest, which is the one that counts.
    """
    state = store.state()
    history = state.history if state else ()
    namespaces = sorted({commit.namespace for commit in history})
    parts = (rows.chunks_collection, rows.manifests_collection)
    expected = {rows.state_collection(store.collection), *(part(name) for name in namespaces for part in parts)}
    found = [f"collection {name}" for name in collections_of(store) if name not in expected]
    found += [f"a note of generation {staged.generation}" for staged in store.notes.staged_generations()]
    for namespace in namespaces:
        generations = [commit.generation for commit in history if commit.namespace == namespace]
        never_seen = f"born > {max(generations)} or died < {min(generations)}"
        unfinished = f"died > {max(generations)} and died < {ALIVE}"
        for name in (part(namespace) for part in parts):
            for row in connection_of(store).rows(name, f"({never_seen}) or ({unfinished})", ["row_id", "born", "died"]):
                found.append(f"{name} {row['row_id']} {row['born']} {row['died']}")
    return found


def _key(collection: str) -> str:
    return "key" if collection.endswith(rows.state_collection("")) else "row_id"
