"""The documents of the live generation over HTTP: where citations lead."""

from html import escape
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from api.page.document_cache import DocumentCache, Rendered
from api.page.document_html import line_range
from api.page.frame import page
from api.schemas.documents import DocumentOut, SectionOut
from api.schemas.errors import ERRORS, ErrorResponse
from ingest.live_documents import LiveDocument, load_live_document
from rag.document_url import document_url
from rag.errors import DocumentNotFound
from rag.settings import KnowledgeSettings
from rag.store.store import Store

_PART_ID_PREFIX = "doc-"
Lines = Annotated[str, Query(pattern=r"^(\d{1,9}(-\d{1,9})?)?$", examples=["82-84"])]


_PAGE: dict[int | str, dict[str, Any]] = {
    status: {
        "description": answer["description"],
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}}},
    }
    for status, answer in ERRORS.items()
}
"""Errors of a page are JSON as everywhere, but for a document that is not there: a browser gets a page that says so."""
_PAGE["4XX"]["content"]["text/html"] = {"schema": {"type": "string"}}


def add_documents(app: FastAPI, store: Store, knowledge: KnowledgeSettings, *, is_open: bool) -> None:
    """Add the pages of documents, and their content as JSON.

    `is_open` says that no API key is needed. Otherwise the pages are empty, because a browser that follows a link sends
    no key; their script fetches the text as JSON, with the key.

    Rendering a large document takes seconds of a thread; what was rendered is kept, as long as there is room.
    """
    kept = DocumentCache()

    @app.get("/documents/{source:path}", responses=ERRORS, include_in_schema=False)
    def document(source: str, lines: Lines = "") -> DocumentOut:
        """A document of the live generation, rendered, the lines asked for marked."""
        return _part(load_live_document(source, store.snapshot(), knowledge), line_range(lines), kept)

    @app.get("/docs/{source:path}", response_class=HTMLResponse, responses=_PAGE, include_in_schema=False)
    def document_page(source: str, request: Request, lines: Lines = "") -> HTMLResponse:
        """A document of the live generation as a page: where citations lead. The first line asked for is `#passage`."""
        if not is_open:
            return page("locked", title="知问 zhiwen")
        try:
            return _page(load_live_document(source, store.snapshot(), knowledge), line_range(lines), kept)
        except DocumentNotFound:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return page("missing", title=source, status=404, source=escape(source))


def _part(found: LiveDocument, lines: range, kept: DocumentCache) -> DocumentOut:
    rendered = kept.rendered(found, lines=lines, id_prefix=_PART_ID_PREFIX)
    return DocumentOut(
        source=found.record.source,
        title=found.record.title,
        generation=found.snapshot.generation,
        chunks=found.record.chunks,
        rebuilt=rendered.is_rebuilt,
        url=document_url(found.record.source, lines),
        sections=[
            SectionOut(level=heading.level, heading=heading.text, anchor=heading.anchor)
            for heading in rendered.headings
        ],
        html=rendered.html,
    )


def _page(found: LiveDocument, lines: range, kept: DocumentCache) -> HTMLResponse:
    rendered = kept.rendered(found, lines=lines)
    return page(
        "document",
        title=found.record.title or found.record.source,
        source=escape(found.record.source),
        heading="" if _begins_with_title(found, rendered) else f"<h1>{escape(found.record.title)}</h1>",
        generation=str(found.snapshot.generation),
        rebuilt="" if rendered.is_rebuilt else "hidden",
        html=rendered.html,
    )


def _begins_with_title(found: LiveDocument, rendered: Rendered) -> bool:
    """Whether the text says what it is called; a title in front matter is seen nowhere else."""
    return any(heading.level == 1 and heading.text == found.record.title for heading in rendered.headings[:1])
