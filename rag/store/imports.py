"""Whether, and where, the rows of one store are imported in bulk; and what an interrupted import has left."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.errors import StoreError
from rag.optional_packages import require_extra
from rag.store import rows
from rag.store.bulk_import import BulkImport
from rag.store.collection_spec import CollectionSpec

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_WORTH_IT_CHUNKS = 50_000
_LEFT_BEHIND_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Imports:
    """The imports of the store `store`, which only a server has. Every method raises StoreError.

    Without `store.bulk_import_url` there are none.
    """

    def __init__(self, milvus: "Milvus", store: str) -> None:
        self._milvus = milvus
        self._files = f"{store}-bulk-import"  # a folder that nobody else uses: it is deleted

    def are_worth_it(self, chunks: int) -> bool:
        """Whether imports are configured, and this number of chunks is worth a wait of half a minute at the end."""
        return self._milvus.import_folder is not None and chunks >= _WORTH_IT_CHUNKS

    def open(self, collection: str, spec: CollectionSpec, *, expression: str, check: Callable[[], None]) -> BulkImport:
        """Return an import into a collection, which must be configured. The parameters are those of `BulkImport`."""
        require_extra("bulk", ["boto3", "pyarrow"], purpose="store.bulk_import_url", error=StoreError)
        folder = self._milvus.import_folder
        assert folder  # noqa: S101  (configured)
        return BulkImport(self._milvus, collection, spec, folder, self._files, expression=expression, check=check)

    def may_add_rows(self, namespace: str) -> bool:
        """Whether a job that an interrupted ingest has left may still add chunks to a namespace."""
        jobs = self._milvus.import_jobs.of(rows.chunks_collection(namespace))
        return any(job.is_running for job in jobs)

    def wait_for_jobs(self, namespace: str) -> None:
        """Give the jobs that an interrupted ingest has left a minute: the chunks that they add can be used again."""
        end = time.monotonic() + _LEFT_BEHIND_SECONDS
        while self.may_add_rows(namespace) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)

    def delete_files(self) -> None:
        """Delete the files that interrupted imports have left."""
        if self._milvus.import_folder:
            self._milvus.import_folder.delete_folder(self._files)
