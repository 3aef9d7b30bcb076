"""Jobs by which a Milvus server imports files: started, looked at, and waited for until readers have their rows."""

from dataclasses import dataclass
from typing import Any

from pymilvus import BulkInsertState, MilvusClient

from rag.errors import StoreError
from rag.store.milvus.connection import Connection
from rag.store.milvus.errors import translate_errors

_FAILED = (BulkInsertState.ImportFailed, BulkInsertState.ImportFailedAndCleaned)
_MOST_JOBS = 10_000


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import as Milvus sees it. `state` changes while it makes progress; `failure` says why it failed."""

    number: int
    state: str
    is_done: bool
    failure: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it may still add rows."""
        return not (self.is_done or self.failure)


class ImportJobs:
    """The imports of a server. Every method raises StoreUnavailable, StoreTimeout or StoreError."""

    def __init__(self, connection: Connection, *, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = timeout_seconds

    def start(self, collection: str, file: str) -> int:
        """Have a file imported, which Milvus finds by this name. Return the number of the job."""
        return int(self._call("do_bulk_insert", collection, "", [file]))

    def look_at(self, number: int) -> ImportJob:
        """Return how far a job is."""
        return _job(self._call("get_bulk_insert_state", number))

    def of(self, collection: str) -> list[ImportJob]:
        """Return all jobs of a collection that Milvus remembers."""
        return [_job(found) for found in self._call("list_bulk_insert_tasks", _MOST_JOBS, collection)]

    def is_indexed(self, collection: str) -> bool:
        """Whether Milvus says that the index of the vectors is finished. A server before 2.4 says so early.

        Raises StoreError if the index has failed.
        """
        state = self._call("get_index_build_progress", collection, "vector")["state"]
        if state == "Failed":
            raise StoreError(f"{self._connection.uri}: the index of {collection} cannot be built; look at Milvus")
        return bool(state == "Finished")

    def refresh(self, collection: str) -> None:
        """Have the query nodes load what was imported, as soon as they come to it."""
        with translate_errors(self._connection.uri):
            self._client.refresh_load(collection, timeout=self._timeout, _async=True)

    @property
    def _client(self) -> MilvusClient:
        return self._connection.client

    def _call(self, name: str, *arguments: object) -> Any:
        # The client itself has no methods for these.
        with translate_errors(self._connection.uri):
            context = self._client._generate_call_context()
            call = getattr(self._client._get_connection(), name)
            return call(*arguments, timeout=self._timeout, context=context)


def _job(found: BulkInsertState) -> ImportJob:
    failure = (found.failed_reason or "Milvus gives no reason") if found.state in _FAILED else ""
    is_done = found.state == BulkInsertState.ImportCompleted
    return ImportJob(found.task_id, f"{found.state_name}, {found.progress} %", is_done, failure)
