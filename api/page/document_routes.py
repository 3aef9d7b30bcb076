"""`GET /docs/…` and `GET /documents/…`: the documents of the live generation, where citations lead."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from api.cancel_on_disconnect import CLIENT_GONE, unless_gone
from api.page.document_cache import DocumentCache, ShownDocument
from api.page.document_html import RenderedDocument, line_range
from api.page.page_template import page
from api.public_urls import prefix_of
from api.schemas.error_bodies import ERRORS, ErrorResponse
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.documents import DocumentOut, SectionOut
from api.service.permitted import permitted
from ingest.live_documents import LiveDocument, load_live_document
from rag.blocking_work import Result, Turns
from rag.document_url import document_url
from rag.errors import DocumentNotFound, KnowledgeBaseNotFound
from rag.knowledge_base_names import DEFAULT
from rag.store.records import DocumentRecord
from rag.wiring import Services

_TURNS = Turns(8, each=1)
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


def add_documents(app: FastAPI, services: Services, documents: DocumentCache, *, is_open: bool) -> None:
    """Add the pages of documents, and their content as JSON.

    `is_open` means that no API key is needed. If one is, the pages are empty, because a browser that follows a link
    sends no key; their script fetches the content as JSON, with the key.
    """

    async def response(
        source: str, knowledge_base: str, connection: Request, content: Callable[[_Found], Response]
    ) -> Response:
        """Return what `content` makes of a document. A request that waits for its rendering holds up no other."""

        async def work() -> Response:
            found = await _in_turn(_load, services, source, knowledge_base)
            return await _in_turn(content, _Found(found, await documents.show(found)))

        return await unless_gone(connection, work()) or Response(status_code=CLIENT_GONE)

    @app.get("/documents/{source:path}", response_model=DocumentOut, responses=ERRORS, tags=["ask"])
    async def document(
        source: str, connection: Request, lines: Lines = "", knowledge_base: KnowledgeBase = DEFAULT
    ) -> Response:
        """Return a document of the live generation as JSON with HTML, in which the given lines are marked."""
        prefix = prefix_of(connection)
        return await response(
            source, knowledge_base, connection, lambda found: _content(found, line_range(lines), prefix)
        )

    @app.get("/docs/{source:path}", response_class=HTMLResponse, responses=_PAGE_ERRORS, tags=["ask"])
    async def document_page(
        source: str, request: Request, lines: Lines = "", knowledge_base: KnowledgeBase = DEFAULT
    ) -> Response:
        """Return a document of the live generation as a page. The first of the given lines has the id `passage`."""
        prefix = prefix_of(request)
        if not is_open:
            return page("locked_document", base=prefix, title="知问 zhiwen")
        try:
            return await response(
                source, knowledge_base, request, lambda found: _page(found, line_range(lines), prefix)
            )
        except (DocumentNotFound, KnowledgeBaseNotFound):
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return page("missing_document", base=prefix, title=source, status=404, source=escape(source))


async def _in_turn(work: Callable[..., Result], *arguments: object) -> Result:
    """Return what `work` returns, for one caller at a time, from a thread that searches do not take."""
    async with _TURNS.turn_without_a_thread():
        return await run_in_threadpool(work, *arguments)


@dataclass(frozen=True, slots=True)
class _Found:
    live: LiveDocument
    shown: ShownDocument


def _load(services: Services, source: str, knowledge_base: str) -> LiveDocument:
    chosen = permitted(services).of(knowledge_base)
    return load_live_document(source, chosen.store.snapshot(), chosen.settings.knowledge)


def _content(found: _Found, lines: range, prefix: str) -> Response:
    record, rendered = found.live.record, found.shown.rendered
    content = DocumentOut(
        source=record.source,
        title=record.title,
        generation=found.live.snapshot.generation,
        chunks=record.chunks,
        rebuilt=found.shown.is_rebuilt,
        plain=found.shown.is_plain,
        url=prefix + document_url(record.source, lines, found.live.snapshot.knowledge_base),
        sections=[
            SectionOut(level=heading.level, heading=heading.text, anchor=heading.anchor)
            for heading in rendered.headings
        ],
        html=rendered.html(lines, id_prefix=_ID_PREFIX, base=prefix),
    )
    # FastAPI would serialise it on the event loop.
    return Response(content.model_dump_json(), media_type="application/json")


def _page(found: _Found, lines: range, prefix: str) -> Response:
    record, shown = found.live.record, found.shown
    return page(
        "document",
        base=prefix,
        title=record.title or record.source,
        source=escape(record.source),
        heading="" if _begins_with_title(record, shown.rendered) else f"<h1>{escape(record.title)}</h1>",
        generation=str(found.live.snapshot.generation),
        rebuilt="" if shown.is_rebuilt else "hidden",
        plain="" if shown.is_plain else "hidden",
        html=shown.rendered.html(lines, base=prefix),
    )


def _begins_with_title(record: DocumentRecord, rendered: RenderedDocument) -> bool:
    """Return whether the first heading is the title; a title in front matter is not part of the text."""
    return any(heading.level == 1 and heading.text == record.title for heading in rendered.headings[:1])
