"""Bulk import: rows reach a Milvus server in files that it reads by itself, instead of one call for 500 of them."""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rag.errors import StoreError
from rag.store.collection_spec import CollectionSpec, Row
from rag.store.failpoints import reach_failpoint
from rag.store.import_folder import ImportFolder
from rag.store.row_file import RowFile

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_BYTES_OF_A_FILE = 64_000_000
"""About 20,000 chunks: what a crash costs, because they are not in the store before."""
_JOBS_AT_A_TIME = 4
_STUCK_SECONDS = 600.0
_POLL_SECONDS = 0.5


class BulkImport:
    """Writes the rows of a collection that match `expression`, and that nobody reads yet. Methods raise StoreError.

    On this machine there is one file at a time; those in `files`, in the folder, are imported four at a time.
    A job that failed, or that has not moved for ten minutes, is an error. `check` is called while jobs are waited for;
    what it raises ends the waiting. A context manager: at its end there are no files left.
    """

    def __init__(
        self,
        milvus: "Milvus",
        name: str,
        collection: CollectionSpec,
        folder: ImportFolder,
        files: str,
        *,
        expression: str,
        check: Callable[[], None],
    ) -> None:
        self._milvus = milvus
        self._name = name
        self._collection = collection
        self._folder = folder
        self._files = files
        self._expression = expression
        self._check = check
        self._scratch = TemporaryDirectory(prefix="zhiwen-import-", ignore_cleanup_errors=True)
        self._file: RowFile | None = None
        self._running: list[int] = []
        self._rows = 0
        self._is_finished = True

    def __enter__(self) -> "BulkImport":
        return self

    def __exit__(self, *error: object) -> None:
        self._scratch.cleanup()
        if not self._is_finished:
            with suppress(StoreError):  # there is a first error, and the next ingest deletes them, too
                self._folder.delete_folder(self._files)

    def write(self, rows: Sequence[Row]) -> None:
        """Take rows whose keys are new. Readers of the collection have them after `finish`."""
        if self._file is None:
            self._file = RowFile(Path(self._scratch.name) / f"{uuid.uuid4().hex}.parquet", self._collection)
        self._rows += len(rows)
        self._is_finished = False
        if self._file.write(rows) >= _BYTES_OF_A_FILE:
            self._import(self._file)

    def finish(self) -> None:
        """Return when all that was written is imported, indexed and loaded."""
        if self._is_finished:
            return
        if self._file:
            self._import(self._file)
        self._wait(lambda: self._unfinished_jobs(0))
        jobs = self._milvus.import_jobs
        self._wait(lambda: "" if jobs.is_indexed(self._name) else "it is not indexed")
        jobs.refresh(self._name)
        self._wait(self._missing_rows)
        self._folder.delete_folder(self._files)
        self._is_finished = True

    def forget(self, rows: int) -> None:
        """Note that this number of imported rows has been deleted."""
        self._rows -= rows

    def _import(self, file: RowFile) -> None:
        file.close()
        self._file = None
        self._wait(lambda: self._unfinished_jobs(_JOBS_AT_A_TIME - 1))
        place = self._folder.put_file(f"{self._files}/{file.path.name}", file.path)
        file.path.unlink()
        self._running.append(self._milvus.import_jobs.start(self._name, place))
        reach_failpoint("import_started")

    def _unfinished_jobs(self, most: int) -> str:
        """Return what jobs do; "" if at most `most` are running. Raises StoreError if one has failed."""
        if len(self._running) <= most:
            return ""
        found = [self._milvus.import_jobs.look_at(number) for number in self._running]
        for job in found:
            if job.failure:
                raise StoreError(
                    f"{self._milvus.uri}: Milvus could not import rows into {self._name} (job {job.number}): "
                    f"{job.failure}. Nothing was changed, run again"
                )
        running = [job for job in found if job.is_running]
        self._running = [job.number for job in running]
        return ", ".join(f"job {job.number}: {job.state}" for job in running) if len(running) > most else ""

    def _missing_rows(self) -> str:
        found = self._milvus.count(self._name, self._expression)
        return "" if found >= self._rows else f"{found} of {self._rows} rows are loaded"

    def _wait(self, look: Callable[[], str]) -> None:
        """Wait until `look` returns "". It is an error if what it returns stays the same for ten minutes."""
        before, since = "", time.monotonic()
        while state := look():
            self._check()
            if state != before:
                before, since = state, time.monotonic()
            elif time.monotonic() - since > _STUCK_SECONDS:
                raise StoreError(
                    f"{self._milvus.uri}: an import into {self._name} has not moved for {_STUCK_SECONDS:.0f} s "
                    f"({state}); look at Milvus. Nothing was changed, run again"
                )
            time.sleep(_POLL_SECONDS)
