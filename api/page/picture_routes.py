"""`GET /pictures/…`: the pictures that documents show."""

from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import Response

from api.page.pictures import Pictures
from api.schemas.error_bodies import ERRORS
from rag.settings import KnowledgeSettings

_HEADERS = {
    # Whatever the bytes are, nothing in them runs or loads anything.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=300",
}


def add_pictures(app: FastAPI, knowledge: KnowledgeSettings) -> None:
    """Add the route of pictures. It needs a key if documents need one."""
    pictures = Pictures(knowledge)

    @app.get("/pictures/{path:path}", response_class=Response, responses=ERRORS, include_in_schema=False)
    def picture(path: str, folder: Annotated[str, Query(alias="in")] = "") -> Response:
        """Return a picture of the knowledge folder, searched for from `in`."""
        kind, content = pictures.read(path, folder)
        return Response(content, media_type=kind, headers=_HEADERS)
