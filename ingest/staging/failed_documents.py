"""Documents that could not be parsed: as long as nothing has changed, they are not parsed again."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import distributions

from ingest.staging.document_cutter import UnreadableDocument
from rag.settings import KnowledgeSettings
from rag.store.records import FailedDocument
from rag.store.writer_notes import WriterNotes


class FailedDocuments:
    """What the last ingest could not parse, and what this one cannot.

    `try_again` forgets what the last one found. Reading them raises StoreError.
    """

    def __init__(self, notes: WriterNotes, settings: KnowledgeSettings, pipeline: str, *, try_again: bool) -> None:
        self._notes = notes
        self._known: Mapping[str, FailedDocument] = notes.failed_documents()
        self._settings = settings
        self._pipeline = pipeline
        self._try_again = try_again
        self._found: dict[str, FailedDocument] = {}

    def known(self, source: str) -> FailedDocument | None:
        """Return what was found with these programs and limits; None if a document was not tried with them."""
        known = self._known.get(source)
        return None if self._try_again or not known or known.recipe != self._recipe else known

    def note(self, document: UnreadableDocument) -> None:
        """Note that the bytes of a document cannot be parsed. Writes nothing yet."""
        if document.content_hash:
            found = FailedDocument(document.source, document.content_hash, self._recipe, document.error)
            self._found[document.source] = found

    def save(self) -> None:
        """Write what has changed since the last ingest. Raises StoreError."""
        self._notes.note_failed([failed for source, failed in self._found.items() if self._known.get(source) != failed])
        self._notes.forget_failed([source for source in self._known if source not in self._found])

    @cached_property
    def _recipe(self) -> str:
        """Everything, besides the bytes, that decides whether a document can be parsed."""
        installed = sorted(f"{each.name} {each.version}" for each in distributions())
        parts: Sequence[str] = (self._pipeline, f"{self._settings.max_seconds_per_document:g}", *installed)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
