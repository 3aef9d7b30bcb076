"""A connection to Milvus that is made when it is first needed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymilvus import MilvusClient

from rag.errors import ZhiwenError
from rag.store.milvus.database_lock import check_database_name
from rag.store.milvus.errors import translate_errors
from rag.store.milvus.lite_file import LiteFile, open_lite_file
from rag.store.milvus.pymilvus_settings import adjust_pymilvus

adjust_pymilvus()


class Connection:
    """Connects on first use. Safe to use from several threads.

    A command that only reads therefore creates no database file, and a service can start before its Milvus server.

    `uri` is a file or the address of a server. Raises ConfigError for a file name that Milvus Lite does not take.
    """

    def __init__(self, uri: str, *, token: str, database: str, timeout_seconds: float) -> None:
        self.uri = uri
        self.is_embedded = "://" not in uri
        if self.is_embedded:
            check_database_name(Path(uri))
        self._token = token
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._file: LiteFile | None = None
        self._client: MilvusClient | None = None
        self._attempts = 0
        self._failure = ZhiwenError()
        self.last_write = object()

    @property
    def is_missing(self) -> bool:
        """Whether the database is a file that does not exist yet."""
        return self.is_embedded and self._client is None and not Path(self.uri).exists()

    @property
    def is_alive(self) -> bool:
        """Whether nothing tells that the connection is lost, without a call: of a file, that its process runs."""
        return self._file is None or self._file.process.is_running

    @property
    def client(self) -> MilvusClient:
        """Return the connected client; connect if there is none, which creates a missing database file.

        Raises StoreUnavailable, StoreTimeout, StoreLocked or StoreError. A server is tried again at the next use.
        """
        if self._client is None:
            self._connect(self._attempts)
        return self._client

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Change the `last_write` at the end, also of a write that fails: it may have changed something."""
        try:
            yield
        finally:
            self.last_write = object()

    def close(self) -> None:
        """End the connection, and the process that serves the file if the database is one."""
        if self._file:
            self._file.close()
        elif self._client:
            self._client.close()

    def _connect(self, attempts_before: int) -> None:
        with self._lock:
            if self._client is not None:
                return
            if self._attempts > attempts_before:
                # This thread waited for the attempt of another one. If each made its own, the last would wait for all.
                raise type(self._failure)(str(self._failure)) from self._failure
            try:
                self._client = self._open()
            except ZhiwenError as error:
                self._failure = error
                raise
            finally:
                self._attempts += 1

    def _open(self) -> MilvusClient:
        if self.is_embedded:
            self._file = open_lite_file(Path(self.uri))
            return self._file.client
        with translate_errors(self.uri):
            return MilvusClient(self.uri, token=self._token, db_name=self._database, timeout=self._timeout_seconds)
