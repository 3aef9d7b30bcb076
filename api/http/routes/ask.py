"""`POST /ask`: the answer as one JSON object, or as a stream of events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.cancel_on_disconnect import CLIENT_GONE, unless_gone
from api.error_formats import OWN
from api.public_urls import below, prefix_of
from api.schemas.error_bodies import ERRORS
from api.service.ask import AskRequest, AskResponse, PassageOut, answer_events
from api.service.operation import services_for
from api.sse import event, event_stream
from rag.answering.answer import AnswerEvent, PassagesFound, final_answer
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.errors import ZhiwenError
from rag.types import Answer
from rag.wiring import Services

_EVENTS: dict[str, Any] = {
    "description": "The answer; with `stream`, the events `passages`, `delta` and so on, and last `answer` or `error`. "
    "The `error` of an answer that broke off has its `trace_id`.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def add_ask(app: FastAPI, services: Services) -> None:
    """Add `POST /ask`."""

    @app.post("/ask", response_model=AskResponse, responses=ERRORS | {200: _EVENTS}, tags=["ask"])
    async def ask(request: AskRequest, connection: Request) -> Response:
        """Answer a question from the knowledge base with citations, or refuse if it has no answer."""
        events = answer_events(services_for(services, request).answerer, request)
        first = await anext(events)  # an error before the first event is an ordinary error response
        if request.stream:
            return event_stream(_frames(first, events, prefix_of(connection)))
        answer = await unless_gone(connection, final_answer(events))
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(below(AskResponse.of(answer), prefix_of(connection)).model_dump())


class _Passages(BaseModel):
    passages: list[PassageOut]


class _Delta(BaseModel):
    text: str


async def _frames(
    first: AnswerEvent, events: AsyncGenerator[AnswerEvent, None], prefix: str
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(events):
            yield _frame(first, prefix)
            async for answer_event in events:
                yield _frame(answer_event, prefix)
    except ZhiwenError as error:
        yield OWN.last_event(error)


def _frame(answer_event: AnswerEvent, prefix: str) -> bytes:
    match answer_event:
        case PassagesFound(passages):
            found = _Passages(passages=[PassageOut.of_passage(passage) for passage in passages])
            return event("passages", below(found, prefix))
        case ReasoningDelta(text):
            return event("reasoning", _Delta(text=text))
        case TextDelta(text):
            return event("delta", _Delta(text=text))
        case Answer():
            return event("answer", below(AskResponse.of(answer_event), prefix))
