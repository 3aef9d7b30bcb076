"""Documents as HTML, each rendered once: a large one takes seconds, and a hostile one all that it is given."""

import logging
import sys
from dataclasses import dataclass

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool

from api.page.document_html import RenderedDocument
from api.page.document_names import DocumentNames
from api.page.document_rendering import render_live
from api.page.plain_document import render_plain
from ingest.document_process import DocumentProcess
from ingest.live_documents import LiveDocument
from ingest.rebuilt_document import rebuild_document
from rag.blocking_work import Turns
from rag.errors import DocumentError
from rag.store.records import SnapshotIdentity
from rag.store.snapshot import Snapshot

log = logging.getLogger("zhiwen.page")

_MAX_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 1024
_KEPT_NAMES = 4
_OBJECT_BYTES = 256
"""About what a heading, a place or a part of one takes."""


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document as HTML.

    `is_rebuilt` is set if its text comes from the chunks because the file has changed, `is_plain` if it is plain text
    because it cannot be rendered.
    """

    rendered: RenderedDocument
    is_rebuilt: bool
    is_plain: bool


@dataclass(frozen=True, slots=True)
class _Key:
    """Everything that the HTML depends on: the content of a generation, and whether the file still has it.

    Links lead to the documents that a reader may see. Nothing of it is chosen by readers, so they cannot let a document
    be rendered again and again.
    """

    identities: tuple[SnapshotIdentity, ...]
    source: str
    is_in_file: bool


class DocumentCache:
    """Renders documents, one at a time in a process of its own, for `max_seconds` at most.

    It keeps those that were read last, at most `max_bytes` in all. For use in one event loop; waiting holds no thread.
    """

    def __init__(self, *, max_seconds: float, max_bytes: int = _MAX_BYTES) -> None:
        self._process = DocumentProcess(render_live, timeout_seconds=max_seconds, purpose="render")
        self._turns = Turns(1)
        self._names: LRUCache[tuple[SnapshotIdentity, ...], DocumentNames] = LRUCache(_KEPT_NAMES)
        self._documents: LRUCache[_Key, ShownDocument] = LRUCache(max_bytes, getsizeof=_size)

    async def show(self, found: LiveDocument) -> ShownDocument:
        """Return the document from the cache, or render it. Raises StoreError, and IngestStopped after `close`."""
        key = _Key(found.snapshot.identities, found.record.source, found.content is not None)
        if kept := self._documents.get(key):
            return kept
        async with self._turns.turn_without_a_thread():
            if kept := self._documents.get(key):  # somebody else has waited for it, too
                return kept
            document = await run_in_threadpool(self._render, found)
            # The cache refuses a document that is larger than all of it.
            if _size(document) <= self._documents.maxsize:
                self._documents[key] = document
        return document

    def close(self) -> None:
        """End the process."""
        self._process.interrupt()
        self._process.close()

    def _render(self, found: LiveDocument) -> ShownDocument:
        record, is_rebuilt = found.record, found.content is None
        names = self._names_of(found.snapshot)
        chunks = found.chunks() if is_rebuilt else ()
        try:
            rendered = self._process.call(record.source, record, found.content, chunks, names)
            return ShownDocument(rendered, is_rebuilt, is_plain=False)
        except DocumentError as error:
            log.warning("showing a document as plain text: %s", error)
        plain = rebuild_document(record, chunks or found.chunks(), as_plain_text=True)
        return ShownDocument(render_plain(plain), is_rebuilt, is_plain=True)

    def _names_of(self, snapshot: Snapshot) -> DocumentNames:
        names = self._names.get(snapshot.identities)
        if names is None:
            are_partial = any(each.within for each in snapshot.identities)
            names = DocumentNames(snapshot.documents(), snapshot.knowledge_base, are_partial=are_partial)
            self._names[snapshot.identities] = names
        return names


def _size(document: ShownDocument) -> int:
    """Return about how many bytes a document takes, with its key."""
    rendered = document.rendered
    headings = sum(_OBJECT_BYTES + sys.getsizeof(heading.text) for heading in rendered.headings)
    places = sum(1 + len(place.parts) for place in rendered.places) * _OBJECT_BYTES
    return _ENTRY_BYTES + sys.getsizeof(rendered.template) + headings + places
