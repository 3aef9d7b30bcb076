"""The one file that talks to Milvus: a Milvus Lite file, or a server or cluster, with deadlines and our errors.

Knows collections, rows and expressions; knows nothing of generations or documents.
"""

import fcntl
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import grpc
import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, Function, FunctionType, MilvusClient, MilvusException

from rag.errors import ConfigError, StoreError, StoreLocked, StoreTimeout, StoreUnavailable
from rag.expressions import Collection, Field, Row, literal
from rag.lite import Lite

__all__ = ["Collection", "Field", "Milvus", "Row", "literal"]

BATCH_ROWS = 500
_PAGE_ROWS = 1000
_ROOM_BYTES = 32 << 20  # many times what one batch takes
_LITE_ATTEMPTS = 3
_SEARCH_ATTEMPTS = 4
_NO_VECTORS = "Growing segment loss raw data"
_NEGATIVE_WEIGHT = "Invalid sparse row: negative value"
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,33}\.db")
_COLLECTION_GONE = 100

# Its own error log repeats, with tracebacks, what we raise.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)


class Milvus:
    """A connection. Safe to use from several threads; every call ends within `timeout_seconds`.

    Raises StoreUnavailable, StoreTimeout, StoreLocked (another process has the file open), or StoreError.
    """

    def __init__(
        self,
        uri: str,
        *,
        token: str = "",
        database: str = "",
        timeout_seconds: float = 10,
        connect_timeout_seconds: float = 4,
    ) -> None:
        self.uri = uri
        self.is_embedded = "://" not in uri
        self._timeout = timeout_seconds
        self._file: _File | None = None
        if self.is_embedded:
            self._file = _open_file(Path(uri))
            self._client = self._file.client
        else:
            with _translated(uri):
                self._client = MilvusClient(uri, token=token, db_name=database, timeout=connect_timeout_seconds)

    def close(self) -> None:
        """End the connection and, in embedded mode, the process that serves the file."""
        self._client.close()
        if self._file:
            self._file.lite.stop()
            self._file.lock.close()

    def collections(self) -> list[str]:
        with _translated(self.uri):
            return sorted(self._client.list_collections(timeout=self._timeout))

    def create(self, name: str, collection: Collection) -> None:
        """Create a collection, indexed and loaded. `vector` is compared by inner product."""
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        for position, field in enumerate(collection.fields):
            schema.add_field(field.name, **_field_options(field, collection.terms_field), is_primary=position == 0)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=collection.dimension)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        if collection.terms_field:
            schema.add_field("sparse_terms", DataType.SPARSE_FLOAT_VECTOR)
            schema.add_function(
                Function(
                    name="bm25",
                    function_type=FunctionType.BM25,
                    input_field_names=[collection.terms_field],
                    output_field_names=["sparse_terms"],
                )
            )
            indexes.add_index("sparse_terms", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        # A server takes longer for it than one read may take.
        timeout = max(60, self._timeout)
        with _translated(self.uri):
            self._client.create_collection(name, schema=schema, timeout=timeout, consistency_level="Strong")
            # The client would wait half a second for each index, which Milvus Lite has at once.
            self._client.create_index(name, indexes, timeout=timeout, sync=not self.is_embedded)
            self._client.load_collection(name, timeout=timeout)

    def drop(self, name: str) -> None:
        with _translated(self.uri):
            self._client.drop_collection(name, timeout=self._timeout)

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows by key. Idempotent, so a write that timed out may be repeated."""
        for start in range(0, len(rows), BATCH_ROWS):
            if self.is_embedded:
                _refuse_full_disk(Path(self.uri))
            with _translated(self.uri):
                self._client.upsert(name, list(rows[start : start + BATCH_ROWS]), timeout=self._timeout)

    def delete(self, name: str, expression: str) -> None:
        with _translated(self.uri):
            self._client.delete(name, filter=expression, timeout=self._timeout)

    def count(self, name: str, expression: str) -> int:
        with _translated(self.uri):
            rows = self._client.query(
                name,
                filter=expression,
                output_fields=["count(*)"],
                timeout=self._timeout,
                consistency_level="Strong",
            )
        return int(rows[0]["count(*)"])

    def rows(self, name: str, expression: str, fields: Sequence[str]) -> Iterator[Row]:
        """All rows that match, read page by page; in no particular order."""
        first = self._first_rows(name, expression, fields)
        if len(first) < _PAGE_ROWS:
            yield from first
        else:
            yield from self._paged_rows(name, expression, fields)

    def _first_rows(self, name: str, expression: str, fields: Sequence[str]) -> list[Row]:
        """One call, where the iterator below makes several: most reads are of a few rows."""
        try:
            with _translated(self.uri):
                found = self._client.query(
                    name,
                    filter=expression,
                    output_fields=list(fields),
                    limit=_PAGE_ROWS,
                    timeout=self._timeout,
                    consistency_level="Strong",
                )
        except StoreError as error:
            # milvus-lite 2.5.1 cannot give vectors of a collection that had no row when the file was opened.
            if self.is_embedded and _NO_VECTORS in str(error) and not self.count(name, expression):
                return []
            raise
        return [dict(row) for row in found]

    def _paged_rows(self, name: str, expression: str, fields: Sequence[str]) -> Iterator[Row]:
        with _translated(self.uri):
            pages = self._client.query_iterator(
                name,
                batch_size=_PAGE_ROWS,
                filter=expression,
                output_fields=list(fields),
                timeout=self._timeout,
                consistency_level="Strong",
            )
        try:
            while True:
                with _translated(self.uri):
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
        fields: Sequence[str],
    ) -> list[tuple[Row, float]]:
        """The best rows with their scores, best first: by inner product for a vector, by BM25 for terms."""
        for _ in range(_SEARCH_ATTEMPTS - 1):
            try:
                return self._search_once(name, query, expression, limit, fields)
            except StoreError as error:
                # milvus-lite 2.5.1 weighs terms wrongly in the instant of a deletion, in about 1 of 2,300 searches.
                if not self.is_embedded or _NEGATIVE_WEIGHT not in str(error):
                    raise
        return self._search_once(name, query, expression, limit, fields)

    def _search_once(
        self, name: str, query: NDArray[np.float32] | str, expression: str, limit: int, fields: Sequence[str]
    ) -> list[tuple[Row, float]]:
        is_terms = isinstance(query, str)
        with _translated(self.uri):
            found = self._client.search(
                name,
                data=[query if isinstance(query, str) else query.tolist()],
                anns_field="sparse_terms" if is_terms else "vector",
                filter=expression,
                limit=limit,
                output_fields=list(fields),
                timeout=self._timeout,
                consistency_level="Strong",
            )
        return [(dict(hit["entity"]), float(hit["distance"])) for hit in found[0]]


def _field_options(field: Field, terms_field: str) -> Mapping[str, Any]:
    if field.type == "integer":
        return {"datatype": DataType.INT64}
    if field.type == "json":
        return {"datatype": DataType.JSON}
    analysed = {"enable_analyzer": True, "analyzer_params": {"tokenizer": "whitespace"}}
    return {
        "datatype": DataType.VARCHAR,
        "max_length": field.max_bytes,
        **(analysed if field.name == terms_field else {}),
    }


@dataclass(frozen=True, slots=True)
class _File:
    """An open database file: its client, the process that serves it, and our lock on it."""

    client: MilvusClient
    lite: Lite
    lock: TextIO


def _lock_file(path: Path) -> TextIO:
    """Hold the database file for this process. Raises StoreLocked, naming the process that has it.

    Milvus Lite's own lock is deleted by a second process that fails to take it, and a third gets in.
    """
    lock = path.with_name(f"{path.name}.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StoreLocked(f"{path} is in use by process {holder or 'unknown'}; wait for its end, or stop it") from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _refuse_full_disk(path: Path) -> None:
    """Raises StoreError: milvus-lite 2.5.1 acknowledges rows for which there was no room in the file."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize
    if free < _ROOM_BYTES:
        raise StoreError(
            f"{path}: its disk is full ({free >> 20} MB are free, {_ROOM_BYTES >> 20} are needed); make room, run again"
        )


def _open_file(path: Path) -> _File:
    if not _FILE_NAME.fullmatch(path.name):
        raise ConfigError(
            f"store.uri: {path.name!r} cannot be a database file; use letters, digits, '.', '_' and '-', "
            "at most 36 in all, ending in .db, or a server's address such as http://localhost:19530"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_file(path)
    except OSError as error:
        raise StoreUnavailable(f"{path.parent}: cannot be written: {error.strerror}") from error
    try:
        client, lite = _start(path)
    except (StoreError, ConfigError):
        lock.close()
        raise
    return _File(client, lite, lock)


def _start(path: Path) -> tuple[MilvusClient, Lite]:
    # The first connection sometimes fails (about 1 in 30), never twice in a row.
    for attempt in range(1, _LITE_ATTEMPTS + 1):
        try:
            lite = Lite(path)
            try:
                return MilvusClient(lite.address), lite
            except MilvusException:
                lite.stop()
                raise
        except (MilvusException, OSError) as error:
            if attempt == _LITE_ATTEMPTS:
                raise StoreUnavailable(
                    f"{path} cannot be opened: {_message(error)}; is it a Milvus Lite database, on a writable disk?"
                ) from error
            time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        code = error.code() if isinstance(error, grpc.Call) else None
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise StoreTimeout(
                f"{uri} did not answer in time; raise store.timeout_seconds or look at Milvus"
            ) from error
        if code == grpc.StatusCode.UNAVAILABLE:
            raise StoreUnavailable(f"{uri} cannot be reached; is Milvus running there?") from error
        raise StoreError(f"{uri}: {code.name if code else error}") from error
    except MilvusException as error:
        raise _from_milvus(uri, error) from error


def _from_milvus(uri: str, error: MilvusException) -> StoreError:
    message = _message(error)
    lowered = message.lower()
    if "fail connecting" in lowered or "unavailable" in lowered or "connection refused" in lowered:
        return StoreUnavailable(f"{uri} cannot be reached; is Milvus running there? ({message})")
    if "deadline" in lowered or "timeout" in lowered or "timed out" in lowered:
        return StoreTimeout(f"{uri} did not answer in time; raise store.timeout_seconds or look at Milvus")
    if ("auth" in lowered and "check" in lowered) or "unauthenticated" in lowered:
        return StoreUnavailable(f"{uri} refuses the token; set ZHIWEN_STORE__TOKEN to user:password or an API key")
    if error.code == _COLLECTION_GONE:
        return StoreError(f"{uri}: a collection disappeared while it was used ({message})")
    return StoreError(f"{uri}: {message}")


def _message(error: Exception) -> str:
    text = error.message if isinstance(error, MilvusException) else str(error)
    return " ".join(str(text).split())[:300]
