"""The page of what nobody could answer, at `/unanswered`, and its list as a file."""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.page.knowledge_base_chooser import chooser
from api.page.page_template import page
from api.public_urls import prefix_of
from api.schemas.error_bodies import ERRORS
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.gap_csv import MEDIA_TYPE, gaps_as_csv
from api.service.gaps import GAPS, MAX_GAPS, GapsRequest
from rag.blocking_work import run_blocking
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services

_BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel takes UTF-8 for the encoding of the machine."""


def add_gaps(app: FastAPI, services: Services) -> None:
    """Add the page, and `GET /page/gaps.csv`, which only its script calls."""

    @app.get("/unanswered", include_in_schema=False)
    def unanswered(connection: Request) -> HTMLResponse:
        return page("unanswered", base=prefix_of(connection), title="未解答 · 知问", knowledge_bases=chooser(services))

    @app.get("/page/gaps.csv", include_in_schema=False, responses=ERRORS)
    async def as_csv(
        limit: Annotated[int, Query(ge=1, le=MAX_GAPS)] = MAX_GAPS, knowledge_base: KnowledgeBase = DEFAULT
    ) -> Response:
        request = GapsRequest(limit=limit, knowledge_base=knowledge_base)
        found = await run_blocking(GAPS.run_for, services, request)
        return Response(_BYTE_ORDER_MARK + gaps_as_csv(found.gaps), media_type=MEDIA_TYPE)
