"""A cache of rendered documents: rendering a large one takes seconds."""

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from api.page.document_html import render_document
from api.page.document_names import DocumentNames
from ingest.chunking.sections import Heading
from ingest.live_documents import LiveDocument
from rag.store.records import Commit
from rag.store.snapshot import Snapshot

_MAX_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 1024
_HEADING_BYTES = 256


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """A document as HTML. `is_rebuilt` is set if its text comes from the chunks instead of the file."""

    headings: Sequence[Heading]
    html: str
    is_rebuilt: bool


@dataclass(frozen=True, slots=True)
class _Key:
    """Everything that the HTML depends on: the content of a generation, and whether the file still has it."""

    commit: Commit
    source: str
    is_in_file: bool
    lines: range
    id_prefix: str
    base: str


class DocumentCache:
    """Keeps the documents that were read last, at most `max_bytes` in all. Safe to use from several threads."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._names: tuple[Commit, DocumentNames] | None = None
        self._documents: LRUCache[_Key, CachedDocument] = LRUCache(max_bytes, getsizeof=_size)

    def render(
        self, found: LiveDocument, *, lines: range = range(0), id_prefix: str = "", base: str = ""
    ) -> CachedDocument:
        """Return the document from the cache, or render it. Raises as `LiveDocument.text` and `render_document`."""
        key = _Key(found.snapshot.commit, found.record.source, found.content is not None, lines, id_prefix, base)
        with self._lock:
            cached = self._documents.get(key)
        if cached:
            return cached
        text = found.text()
        names = self._names_of(found.snapshot)
        rendered = render_document(text.document, names=names, lines=lines, id_prefix=id_prefix, base=base)
        document = CachedDocument(rendered.headings, rendered.html, text.is_rebuilt)
        with self._lock:
            # The cache refuses a document that is larger than all of it.
            if _size(document) <= self._documents.maxsize:
                self._documents[key] = document
        return document

    def _names_of(self, snapshot: Snapshot) -> DocumentNames:
        kept = self._names
        if kept is None or kept[0] != snapshot.commit:
            kept = self._names = snapshot.commit, DocumentNames(snapshot.documents(), snapshot.knowledge_base)
        return kept[1]


def _size(document: CachedDocument) -> int:
    """Return about how many bytes a document takes, with its key: a reader can ask for a short one in many ways."""
    headings = sum(_HEADING_BYTES + sys.getsizeof(heading.text) for heading in document.headings)
    return _ENTRY_BYTES + sys.getsizeof(document.html) + headings
