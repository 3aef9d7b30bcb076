"""The web page: asking at `/`, the knowledge base at `/knowledge`, and what their scripts ask for."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.page.answer_events import page_events
from api.page.frame import HEADERS, page
from api.page.suggestions import Suggestions
from api.schemas.errors import ERRORS
from api.schemas.questions import AskRequest
from rag.answering.answer import answer
from rag.text.language import detect_language
from rag.wiring import Parts

STATIC = Path(__file__).parent / "static"


class SuggestionsOut(BaseModel):
    questions: list[str]


class _Assets(StaticFiles):
    """Looked at anew with each load, for the page must fit the server; unchanged ones are not sent again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def add_page(app: FastAPI, parts: Parts) -> None:
    suggestions = Suggestions(parts)
    answering = parts.settings.answering

    @app.get("/", include_in_schema=False)
    def home() -> HTMLResponse:
        return page(
            "ask",
            title="知问 zhiwen",
            min_evidence=str(answering.min_evidence),
            max_characters=str(answering.max_question_characters),
        )

    @app.get("/knowledge", include_in_schema=False)
    def knowledge() -> HTMLResponse:
        return page("knowledge", title="知识库 · 知问")

    @app.post("/page/ask", include_in_schema=False, responses=ERRORS)
    async def ask(request: AskRequest) -> StreamingResponse:
        condition = request.filter.to_filter() if request.filter else None
        history = [turn.to_turn() for turn in request.history]
        events = answer(request.question, parts, condition=condition, history=history)
        first = await anext(events)  # what fails before it is an ordinary error answer
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        written = page_events(first, events, detect_language(request.question))
        return StreamingResponse(written, media_type="text/event-stream", headers=headers)

    @app.get("/page/suggestions", include_in_schema=False, responses=ERRORS)
    def suggest(language: Literal["zh", "en"] = "zh") -> SuggestionsOut:
        return SuggestionsOut(questions=list(suggestions.of(language)))

    app.mount("/static", _Assets(directory=STATIC), name="static")
