"""The widget, which asks from the pages of other sites: its script, and the route that it calls with a public key."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import Field

from api.public_urls import prefix_of
from api.schemas.error_bodies import ERRORS
from api.schemas.request_model import RequestModel
from api.service.ask import AskRequest, TurnIn, answer_events
from api.service.operation import services_for
from api.sse import event_stream
from api.widget.answer_events import widget_events
from rag.knowledge_base_names import ALL
from rag.text.language import detect_reply_language
from rag.wiring import Services

SCRIPT = Path(__file__).parent / "widget.js"
_SCRIPT_HEADERS = {
    "Cross-Origin-Resource-Policy": "cross-origin",  # the one file that pages of other sites may embed
    "Cache-Control": "public, max-age=3600",
}


class WidgetQuestion(RequestModel):
    """A question, with the conversation that it may refer to, oldest message first."""

    question: str
    history: list[TurnIn] = Field(default=[], max_length=20)


def add_widget(app: FastAPI, services: Services) -> None:
    """Add `GET /widget.js` and `POST /widget/ask`, which answers from all that the key may see."""

    @app.get("/widget.js", include_in_schema=False)
    def script() -> FileResponse:
        return FileResponse(SCRIPT, media_type="text/javascript", headers=_SCRIPT_HEADERS)

    @app.post("/widget/ask", include_in_schema=False, responses=ERRORS)
    async def ask(question: WidgetQuestion, connection: Request) -> StreamingResponse:
        request = AskRequest(question=question.question, history=question.history, knowledge_base=ALL)
        answerer = services_for(services, request).answerer
        language = detect_reply_language(request.question)
        return event_stream(widget_events(answer_events(answerer, request), language, prefix_of(connection)))
