"""A connection to Milvus (a Lite file, a server or a cluster) with deadlines and our errors.

It knows collections, rows and expressions, and nothing about generations or documents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient

from rag.errors import StoreError, StoreUnavailable
from rag.store.collection_spec import LATEST, CollectionSpec, ReadTimestamp, Row, VectorIndex
from rag.store.import_folder import ImportFolder
from rag.store.milvus.connection import Connection
from rag.store.milvus.database_lock import check_free_space
from rag.store.milvus.errors import NOT_LOADED, translate_errors
from rag.store.milvus.import_jobs import ImportJobs
from rag.store.milvus.schemas import consistency, to_milvus_indexes, to_milvus_schema
from rag.store.milvus.scipy_import import import_scipy
from rag.store.milvus.server_clock import read_server_clock

BATCH_ROWS = 500
PAGE_ROWS = 2000
_FILE_SECONDS = 60
_SEARCH_ATTEMPTS = 4
_NO_VECTORS = "Growing segment loss raw data"
_NEGATIVE_WEIGHT = "Invalid sparse row: negative value"


class Milvus:
    """A connection. Safe to use from several threads.

    It is made at the first call that needs it, or by `connect`. Every call ends within `timeout_seconds`; one that
    creates a collection or uses a file ends within a minute. Methods raise StoreUnavailable, StoreTimeout or
    StoreError, and the first raises StoreLocked if another process has the file open.
    """

    def __init__(
        self,
        uri: str,
        *,
        token: str = "",
        database: str = "",
        timeout_seconds: float = 10,
        connect_timeout_seconds: float = 4,
        index: VectorIndex | None = None,
        import_folder: ImportFolder | None = None,
    ) -> None:
        self._connection = Connection(uri, token=token, database=database, timeout_seconds=connect_timeout_seconds)
        self.uri = uri
        self.index = index or VectorIndex()
        self.import_folder = import_folder
        self.is_embedded = self._connection.is_embedded
        # On a busy machine a file with many rows takes seconds for a batch. The first call that uses a collection waits
        # until all its rows are in memory, 3 s for 43,000 chunks on an idle machine, and so do all calls meanwhile.
        self._timeout = max(_FILE_SECONDS, timeout_seconds) if self.is_embedded else timeout_seconds
        self.import_jobs = ImportJobs(self._connection, timeout_seconds=self._timeout)

    @property
    def _client(self) -> MilvusClient:
        return self._connection.client

    def connect(self) -> None:
        """Connect now; a missing database file is created."""
        _ = self._connection.client

    def close(self) -> None:
        """End the connection, and the process that serves the file if the database is one."""
        self._connection.close()

    def collections(self) -> list[str]:
        """Return the names of all collections in the database; a file that does not exist has none."""
        if self._connection.is_missing:
            return []
        with translate_errors(self.uri):
            return sorted(self._client.list_collections(timeout=self._timeout))

    def is_shared(self, name: str) -> bool:
        """Whether other collections of its user are in the same one of Milvus, so that BM25 counts their rows too."""
        return False

    @property
    def is_alive(self) -> bool:
        """Whether nothing tells that the connection is lost; that asks nothing of a server."""
        return self._connection.is_alive

    @property
    def last_write(self) -> object:
        """A token for the last write. While it is the same object, the rows of a file are the same.

        A file has no other writers; a server may have, so each token of a server is new.
        """
        return self._connection.last_write if self.is_embedded else object()

    def create(self, name: str, collection: CollectionSpec) -> None:
        """Create a collection, indexed and loaded. Vectors are compared by inner product."""
        index = self.index if collection.is_searched else VectorIndex()
        schema, indexes = to_milvus_schema(collection), to_milvus_indexes(collection, index)
        options = {"properties": {"mmap.enabled": "true"}} if index.mmap else {}
        # A server takes longer to create a collection than a read may take.
        timeout = max(60, self._timeout)
        with translate_errors(self.uri):
            self._client.create_collection(name, schema=schema, timeout=timeout, consistency_level="Strong", **options)
            # The client would wait half a second for each index; the index of an empty collection is there at once.
            self._client.create_index(name, indexes, timeout=timeout, sync=False)
            self._client.load_collection(name, replica_number=index.replicas, timeout=timeout)

    def create_both(self, one: tuple[str, CollectionSpec], other: tuple[str, CollectionSpec]) -> None:
        """Create two collections, at the same time on a server, which takes three seconds for each."""
        with ThreadPoolExecutor(1 if self.is_embedded else 2) as pool:
            for created in [pool.submit(self.create, *each) for each in (one, other)]:
                created.result()

    def load(self, name: str) -> None:
        """Read a collection of a file into memory, as the first call that uses it does; a server has done so."""
        if self.is_embedded:
            with self._translated(name):
                self._client.load_collection(name, timeout=self._timeout)

    def drop(self, name: str) -> None:
        """Delete a collection with all its rows."""
        with self._connection.writing(), translate_errors(self.uri):
            self._client.drop_collection(name, timeout=self._timeout)

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows by key. Idempotent, so a write that timed out may be repeated."""
        self._write(self._client.upsert, name, rows)

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows whose keys are new. In a file of 30,000 rows an upsert takes 0.15 s more, however few they are."""
        self._write(self._client.insert, name, rows)

    def _write(self, write: Callable[..., object], name: str, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), BATCH_ROWS):
            if self.is_embedded:
                check_free_space(Path(self.uri))
            with self._connection.writing(), self._translated(name):
                write(name, list(rows[start : start + BATCH_ROWS]), timeout=self._timeout)

    def delete(self, name: str, expression: str) -> None:
        """Delete the rows that match."""
        with self._connection.writing(), self._translated(name):
            self._client.delete(name, filter=expression, timeout=self._timeout)

    def count(self, name: str, expression: str) -> int:
        """Count the rows that match, the latest writes among them."""
        with self._translated(name):
            rows = self._client.query(
                name, filter=expression, output_fields=["count(*)"], timeout=self._timeout, **consistency(LATEST)
            )
        return int(rows[0]["count(*)"])

    def read_timestamp(self) -> ReadTimestamp:
        """Return now, by the server's clock. Reads `since` it see all that was written before, and wait for no more.

        Return LATEST for a file, and for a server that does not tell the time.
        """
        return LATEST if self.is_embedded else read_server_clock(self._connection, timeout_seconds=self._timeout)

    def rows(
        self, name: str, expression: str, fields: Sequence[str], *, since: ReadTimestamp = LATEST, page: int = PAGE_ROWS
    ) -> Iterator[Row]:
        """Yield all rows that match, read in pages of so many rows, in no particular order."""
        options = {"filter": expression, "output_fields": list(fields)}
        first = self._first_rows(name, options | {"limit": page, **consistency(since)})
        yield from first if len(first) < page else self._paged_rows(name, options | {"batch_size": page})

    def _first_rows(self, name: str, options: Mapping[str, Any]) -> list[Row]:
        """Read one page in one call: most reads are of a few rows, and the client's iterator makes several calls."""
        try:
            with self._translated(name):
                found = self._client.query(name, timeout=self._timeout, **options)
        except StoreError as error:
            # milvus-lite 2.5.1 cannot read vectors of a collection that had no row when the file was opened.
            if self.is_embedded and _NO_VECTORS in str(error) and not self.count(name, options["filter"]):
                return []
            raise
        return [dict(row) for row in found]

    def _paged_rows(self, name: str, options: Mapping[str, Any]) -> Iterator[Row]:
        with self._translated(name):
            # The iterator begins with this call too, but without a deadline: a server that hangs is noticed here.
            self._client.describe_collection(name, timeout=self._timeout)
            pages = self._client.query_iterator(name, timeout=self._timeout, consistency_level="Strong", **options)
        try:
            while True:
                with self._translated(name):
                    page = pages.next()
                if not page:
                    return
                yield from (dict(row) for row in page)
        finally:
            pages.close()

    def search(
        self,
        name: str,
        query: NDArray[np.float32] | str,
        *,
        expression: str,
        limit: int,
        since: ReadTimestamp = LATEST,
    ) -> list[tuple[str, float]]:
        """Return the keys of the best rows with their scores, best first: by inner product or, for terms, by BM25."""
        # It asks for no other fields: decoding them takes the client longer than the search itself.
        options = {"filter": expression, "limit": limit, **consistency(since)}
        for _ in range(_SEARCH_ATTEMPTS - 1):
            try:
                return self._search_once(name, query, options)
            except StoreError as error:
                # During a deletion milvus-lite 2.5.1 weighs terms wrongly, in about 1 of 2,300 searches.
                if not self.is_embedded or _NEGATIVE_WEIGHT not in str(error):
                    raise
        return self._search_once(name, query, options)

    def _search_once(
        self, name: str, query: NDArray[np.float32] | str, options: Mapping[str, Any]
    ) -> list[tuple[str, float]]:
        is_terms = isinstance(query, str)
        import_scipy()
        with self._translated(name):
            found = self._client.search(
                name,
                data=[query if isinstance(query, str) else query.tolist()],
                anns_field="sparse_terms" if is_terms else "vector",
                search_params=None if is_terms else {"params": dict(self.index.search_parameters)},
                timeout=self._timeout,
                **options,
            )
        return list(zip(found[0].ids, found[0].distances, strict=True))

    @contextmanager
    def _translated(self, name: str = "") -> Iterator[None]:
        """Translate errors. If a server says that it has not loaded the collection, ask it to."""
        try:
            with translate_errors(self.uri):
                yield
        except StoreUnavailable as error:
            if name and not self.is_embedded and NOT_LOADED in str(error).lower():
                with suppress(StoreError), translate_errors(self.uri):
                    # Without waiting: a server that has just started is about to load it anyway.
                    self._client.load_collection(name, timeout=self._timeout, _async=True)
            raise
