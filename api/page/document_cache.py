"""Documents that were rendered, for the next who reads them."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from api.page.document_html import render_document
from ingest.chunking.sections import Heading
from ingest.live_documents import LiveDocument
from rag.store.versions import Commit

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as HTML, and whether it had to be put together of its chunks."""

    headings: Sequence[Heading]
    html: str
    is_rebuilt: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """All that the HTML depends on: the generation says what the document holds; the file may have changed since."""

    commit: Commit
    source: str
    is_in_file: bool
    lines: range
    id_prefix: str


class DocumentCache:
    """Those read last, `max_bytes` of HTML at most. Safe to use from several threads."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._pages: OrderedDict[_Page, Rendered] = OrderedDict()

    def rendered(self, found: LiveDocument, *, lines: range = range(0), id_prefix: str = "") -> Rendered:
        """The document, from memory or rendered now. Raises as `LiveDocument.text` and `render_document`."""
        page = _Page(found.snapshot.commit, found.record.source, found.content is not None, lines, id_prefix)
        known = self._get(page)
        if known:
            return known
        text = found.text()
        made = render_document(text.document, lines=lines, id_prefix=id_prefix)
        rendered = Rendered(made.headings, made.html, text.is_rebuilt)
        self._put(page, rendered)
        return rendered

    def _get(self, page: _Page) -> Rendered | None:
        with self._lock:
            if page in self._pages:
                self._pages.move_to_end(page)
            return self._pages.get(page)

    def _put(self, page: _Page, rendered: Rendered) -> None:
        size = _size(rendered)
        if size > self._max_bytes:
            return
        with self._lock:
            before = self._pages.pop(page, None)  # another thread was as quick
            self._bytes += size - (_size(before) if before else 0)
            self._pages[page] = rendered
            while self._bytes > self._max_bytes:
                self._bytes -= _size(self._pages.popitem(last=False)[1])


def _size(rendered: Rendered) -> int:
    """About, in bytes; what is no HTML is small beside it."""
    return sys.getsizeof(rendered.html) + sum(sys.getsizeof(heading.text) for heading in rendered.headings)
