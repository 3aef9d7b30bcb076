"""`GET /pictures/…`: the pictures that documents show."""

from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.page.document_cache import DocumentCache
from api.page.pictures import Pictures
from api.schemas.error_bodies import ERRORS
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.permitted import permitted
from ingest.live_documents import LiveDocument, load_live_document
from rag.document_url import picture_url
from rag.errors import DocumentNotFound
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services

_HEADERS = {
    # Whatever the bytes are, nothing in them runs or loads anything.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=300",
}


def add_pictures(app: FastAPI, services: Services, documents: DocumentCache) -> None:
    """Add the route of pictures. It needs a key if documents need one.

    Pictures are files of the folder and have no front matter. So a key that may see only some of the documents sees the
    pictures that one of them shows.
    """
    pictures = {name: Pictures(each.settings.knowledge) for name, each in services.knowledge_bases.items()}

    @app.get("/pictures/{path:path}", response_class=Response, responses=ERRORS, include_in_schema=False)
    async def picture(
        path: str,
        folder: Annotated[str, Query(alias="in")] = "",
        shown_by: str = "",
        knowledge_base: KnowledgeBase = DEFAULT,
    ) -> Response:
        """Return a picture of the folder of a knowledge base, searched for from `in`."""
        chosen = permitted(services).of(knowledge_base)
        if chosen.store.within:
            url = picture_url(path, folder, knowledge_base, shown_by=shown_by)
            found = await run_in_threadpool(_load, chosen, shown_by)
            if not (await documents.show(found)).rendered.shows_picture(url):
                raise DocumentNotFound(f"{shown_by!r} does not show the picture {path!r}")
        kind, content = await run_in_threadpool(pictures[knowledge_base].read, path, folder)
        return Response(content, media_type=kind, headers=_HEADERS)


def _load(services: Services, source: str) -> LiveDocument:
    return load_live_document(source, services.store.snapshot(), services.settings.knowledge)
