"""`GET /pictures/…`: the pictures that documents show."""

from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import Response

from api.page.pictures import Pictures
from api.schemas.error_bodies import ERRORS
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.permitted import permitted
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services

_HEADERS = {
    # Whatever the bytes are, nothing in them runs or loads anything.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=300",
}


def add_pictures(app: FastAPI, services: Services) -> None:
    """Add the route of pictures. It needs a key if documents need one."""
    pictures = {name: Pictures(each.settings.knowledge) for name, each in services.knowledge_bases.items()}

    @app.get("/pictures/{path:path}", response_class=Response, responses=ERRORS, include_in_schema=False)
    def picture(
        path: str, folder: Annotated[str, Query(alias="in")] = "", knowledge_base: KnowledgeBase = DEFAULT
    ) -> Response:
        """Return a picture of the folder of a knowledge base, searched for from `in`."""
        permitted(services).of(knowledge_base)  # raises an error if there is none of this name
        kind, content = pictures[knowledge_base].read(path, folder)
        return Response(content, media_type=kind, headers=_HEADERS)
