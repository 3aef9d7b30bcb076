"""`GET /docs/…` and `GET /documents/…`: the documents of the live generation, where citations lead."""

from html import escape
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse

from api.page.document_cache import CachedDocument, DocumentCache
from api.page.document_html import line_range
from api.page.page_template import page
from api.public_urls import prefix_of
from api.schemas.error_bodies import ERRORS, ErrorResponse
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.documents import DocumentOut, SectionOut
from api.service.permitted import permitted
from ingest.live_documents import LiveDocument, load_live_document
from rag.document_url import document_url
from rag.errors import DocumentNotFound, KnowledgeBaseNotFound
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services

_ID_PREFIX = "doc-"
"""Begins the ids in a document that is part of another page."""
Lines = Annotated[str, Query(pattern=r"^(\d{1,9}(-\d{1,9})?)?$", examples=["82-84"])]

_PAGE_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": response["description"],
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}}},
    }
    for status, response in ERRORS.items()
}
"""Errors are JSON, except that a browser gets a page if there is no such document."""
_PAGE_ERRORS["4XX"]["content"]["text/html"] = {"schema": {"type": "string"}}


def add_documents(app: FastAPI, services: Services, *, is_open: bool) -> None:
    """Add the pages of documents, and their content as JSON.

    `is_open` means that no API key is needed. If one is, the pages are empty, because a browser that follows a link
    sends no key; their script fetches the content as JSON, with the key.
    """
    cache = DocumentCache()

    def load(source: str, knowledge_base: str) -> LiveDocument:
        chosen = permitted(services).of(knowledge_base)
        return load_live_document(source, chosen.store.snapshot(), chosen.settings.knowledge)

    @app.get("/documents/{source:path}", responses=ERRORS, tags=["ask"])
    def document(
        source: str, connection: Request, lines: Lines = "", knowledge_base: KnowledgeBase = DEFAULT
    ) -> DocumentOut:
        """Return a document of the live generation as JSON with HTML, in which the given lines are marked."""
        return _content(load(source, knowledge_base), line_range(lines), cache, prefix_of(connection))

    @app.get("/docs/{source:path}", response_class=HTMLResponse, responses=_PAGE_ERRORS, tags=["ask"])
    def document_page(
        source: str, request: Request, lines: Lines = "", knowledge_base: KnowledgeBase = DEFAULT
    ) -> HTMLResponse:
        """Return a document of the live generation as a page. The first of the given lines has the id `passage`."""
        prefix = prefix_of(request)
        if not is_open:
            return page("locked_document", base=prefix, title="知问 zhiwen")
        try:
            return _page(load(source, knowledge_base), line_range(lines), cache, prefix)
        except (DocumentNotFound, KnowledgeBaseNotFound):
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return page("missing_document", base=prefix, title=source, status=404, source=escape(source))


def _content(found: LiveDocument, lines: range, cache: DocumentCache, prefix: str) -> DocumentOut:
    rendered = cache.render(found, lines=lines, id_prefix=_ID_PREFIX, base=prefix)
    return DocumentOut(
        source=found.record.source,
        title=found.record.title,
        generation=found.snapshot.generation,
        chunks=found.record.chunks,
        rebuilt=rendered.is_rebuilt,
        url=prefix + document_url(found.record.source, lines, found.snapshot.knowledge_base),
        sections=[
            SectionOut(level=heading.level, heading=heading.text, anchor=heading.anchor)
            for heading in rendered.headings
        ],
        html=rendered.html,
    )


def _page(found: LiveDocument, lines: range, cache: DocumentCache, prefix: str) -> HTMLResponse:
    rendered = cache.render(found, lines=lines, base=prefix)
    return page(
        "document",
        base=prefix,
        title=found.record.title or found.record.source,
        source=escape(found.record.source),
        heading="" if _begins_with_title(found, rendered) else f"<h1>{escape(found.record.title)}</h1>",
        generation=str(found.snapshot.generation),
        rebuilt="" if rendered.is_rebuilt else "hidden",
        html=rendered.html,
    )


def _begins_with_title(found: LiveDocument, rendered: CachedDocument) -> bool:
    """Return whether the first heading is the title; a title in front matter is not part of the text."""
    return any(heading.level == 1 and heading.text == found.record.title for heading in rendered.headings[:1])
