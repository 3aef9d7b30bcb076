"""The files of a plan, cut by an engine, with what is known of them here."""

from collections.abc import Callable, Mapping

from ingest.files.scan import File
from ingest.staging.document_cutter import CheckRunning, CutDocument, FileToCut, UnreadableDocument
from ingest.staging.engine import Cut, Engine
from ingest.staging.failed_documents import FailedDocuments


class Cutting:
    """Has files cut, and notes which cannot be.

    `dates` are those of the last commits, by source; what the front matter of a document says goes first. `addresses`
    are those of pages of a web site. `on_cut` is called with each document that could be cut, on the thread that waits.
    """

    def __init__(
        self,
        engine: Engine,
        failed_documents: FailedDocuments,
        dates: Mapping[str, str],
        addresses: Mapping[str, str],
        *,
        on_cut: Callable[[CutDocument], object] = lambda document: None,
    ) -> None:
        self._engine = engine
        self._failed_documents = failed_documents
        self._dates = dates
        self._addresses = addresses
        self._on_cut = on_cut

    def begin(self, file: File, check_running: CheckRunning) -> Callable[[], Cut]:
        """Begin to cut a file. Return a function that waits for the result; what `check_running` raises ends it."""
        failed = self._failed_documents.known(file.source)
        committed, address = self._dates.get(file.source, ""), self._addresses.get(file.source, "")
        finish = self._engine.begin_cut(FileToCut(file, committed, failed, address=address))

        def wait() -> Cut:
            document = finish(check_running)
            if isinstance(document, UnreadableDocument):
                self._failed_documents.note(document)
            else:
                self._on_cut(document)
            return document

        return wait
