"""The web page: questions at `/`, the knowledge base at `/knowledge`, and the routes that their scripts call."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.page.answer_events import page_events
from api.page.knowledge_base_chooser import chooser
from api.page.page_template import HEADERS, page
from api.page.suggestions import Suggestions
from api.public_urls import prefix_of
from api.schemas.error_bodies import ERRORS
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.ask import AskRequest, answer_events
from api.service.operation import services_for
from api.service.permitted import permitted
from api.sse import event_stream
from rag.knowledge_base_names import ALL, DEFAULT
from rag.text.language import detect_reply_language
from rag.wiring import Services

STATIC = Path(__file__).parent / "static"


class SuggestionsOut(BaseModel):
    """Questions that a reader could start with."""

    questions: list[str]


class _Assets(StaticFiles):
    """Static files that browsers revalidate on each load, so that the page always fits the server."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def add_page(app: FastAPI, services: Services) -> None:
    """Add the pages, their static files, and the routes that only their scripts call."""
    answerer = services.answerer
    suggestions = Suggestions()

    @app.get("/", include_in_schema=False)
    def home(connection: Request) -> HTMLResponse:
        return page(
            "ask",
            base=prefix_of(connection),
            title="知问 zhiwen",
            min_evidence=str(answerer.settings.min_evidence),
            traced="yes" if answerer.traces.enabled else "no",
            max_characters=str(answerer.settings.max_question_characters),
            knowledge_bases=chooser(services),
        )

    @app.get("/knowledge", include_in_schema=False)
    def knowledge(connection: Request) -> HTMLResponse:
        return page("knowledge", base=prefix_of(connection), title="知识库 · 知问", knowledge_bases=chooser(services))

    @app.post("/page/ask", include_in_schema=False, responses=ERRORS)
    async def ask(request: AskRequest, connection: Request) -> StreamingResponse:
        events = answer_events(services_for(services, request).answerer, request)
        first = await anext(events)  # an error before the first event is an ordinary error response
        language = detect_reply_language(request.question)
        return event_stream(page_events(first, events, language, prefix_of(connection)))

    @app.get("/page/suggestions", include_in_schema=False, responses=ERRORS)
    def suggest(language: Literal["zh", "en"] = "zh", knowledge_base: KnowledgeBase = DEFAULT) -> SuggestionsOut:
        """Suggest questions to a knowledge base; to all of them, those to the first one."""
        known = permitted(services)
        if knowledge_base == ALL:
            knowledge_base = next(iter(known.knowledge_bases), DEFAULT)
        return SuggestionsOut(questions=list(suggestions.of(known.of(knowledge_base), language)))

    app.mount("/static", _Assets(directory=STATIC), name="static")
