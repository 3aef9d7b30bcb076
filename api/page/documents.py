"""The documents of the live generation over HTTP: where citations lead."""

from html import escape
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from api.page.document_cache import DocumentCache, Rendered
from api.page.document_html import document_url, line_range
from api.page.frame import page
from api.schemas.errors import ERRORS, ErrorResponse
from ingest.live_documents import LiveDocument, load_live_document
from rag.errors import DocumentNotFound
from rag.wiring import Parts

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


class DocumentSummary(BaseModel):
    """`chunks` counts the passages that the document was cut into."""

    source: str
    title: str
    chunks: int
    bytes: int
    url: str


class DocumentList(BaseModel):
    generation: int
    documents: list[DocumentSummary]


class SectionOut(BaseModel):
    level: int
    heading: str
    anchor: str


class DocumentOut(BaseModel):
    """`html` is safe to show; its ids begin with `doc-`, and the first block of the lines asked for is `doc-passage`.

    `rebuilt` says that the file is not what was ingested, so that the text was put together from the index.
    """

    source: str
    title: str
    generation: int
    chunks: int
    rebuilt: bool
    url: str
    sections: list[SectionOut]
    html: str


def add_docs(app: FastAPI, parts: Parts, *, is_open: bool) -> None:
    """`is_open` if no key is needed. Otherwise the pages hold nothing of the documents: a browser that follows a link
    has no key to show, so their script asks for the text as JSON, with the key.

    Rendering a large document takes seconds of a thread; what was rendered is kept, as long as there is room.
    """
    kept = DocumentCache()

    @app.get("/documents", responses=ERRORS, include_in_schema=False)
    def documents() -> DocumentList:
        """The documents of the live generation, by source; none before the first ingest."""
        state = parts.store.state()
        if state is None:
            return DocumentList(generation=0, documents=[])
        snapshot = parts.store.snapshot()
        records = sorted(snapshot.documents().values(), key=lambda record: record.source)
        return DocumentList(
            generation=snapshot.generation,
            documents=[
                DocumentSummary(
                    source=record.source,
                    title=record.title,
                    chunks=record.chunks,
                    bytes=record.size,
                    url=document_url(record.source),
                )
                for record in records
            ],
        )

    @app.get("/documents/{source:path}", responses=ERRORS, include_in_schema=False)
    def document(source: str, lines: Lines = "") -> DocumentOut:
        """A document of the live generation, rendered, the lines asked for marked."""
        return _part(_found(source, parts), line_range(lines), kept)

    @app.get("/docs/{source:path}", response_class=HTMLResponse, responses=_PAGE, include_in_schema=False)
    def document_page(source: str, request: Request, lines: Lines = "") -> HTMLResponse:
        """A document of the live generation as a page: where citations lead. The first line asked for is `#passage`."""
        if not is_open:
            return page("locked", title="知问 zhiwen")
        try:
            return _page(_found(source, parts), line_range(lines), kept)
        except DocumentNotFound:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return page("missing", title=source, status=404, source=escape(source))


def _found(source: str, parts: Parts) -> LiveDocument:
    return load_live_document(source, parts.store.snapshot(), parts.settings.knowledge)


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
