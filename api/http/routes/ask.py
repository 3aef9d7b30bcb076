"""The questions of the HTTP API: asking, whole or streamed, and searching."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from api.disconnects import CLIENT_GONE, unless_gone
from api.error_formats import OWN
from api.schemas.errors import ERRORS
from api.schemas.questions import AskRequest, AskResponse, PassageOut, SearchRequest, SearchResponse
from api.service.local import run_search
from rag.answering.answer import Delta, Event, PassagesFound, answer, final_answer
from rag.chat.protocol import ReasoningDelta
from rag.errors import ZhiwenError
from rag.types import Answer
from rag.wiring import Parts

_EVENTS: dict[str, Any] = {
    "description": "The answer; with `stream`, the events `passages`, `delta`…, and `answer` or `error`, which has "
    "the `trace_id` of an answer that broke off.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def add_questions(app: FastAPI, parts: Parts) -> None:
    @app.post("/ask", response_model=AskResponse, responses=ERRORS | {200: _EVENTS}, tags=["ask"])
    async def ask(request: AskRequest, connection: Request) -> Response:
        """Answer a question from the knowledge base, with citations, or refuse."""
        condition = request.filter.to_filter() if request.filter else None
        history = [turn.to_turn() for turn in request.history]
        events = answer(request.question, parts, condition=condition, history=history)
        first = await anext(events)  # what fails before it is an ordinary error answer
        if request.stream:
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            return StreamingResponse(_sse(first, events), media_type="text/event-stream", headers=headers)
        given = await unless_gone(connection, final_answer(events))
        return JSONResponse(AskResponse.of(given).model_dump()) if given else Response(status_code=CLIENT_GONE)

    @app.post("/search", responses=ERRORS, tags=["ask"])
    def search(request: SearchRequest) -> SearchResponse:
        """The passages nearest to a question, best first."""
        return run_search(parts, request)


async def _sse(first: Event, events: AsyncGenerator[Event, None]) -> AsyncIterator[bytes]:
    try:
        async with aclosing(events):
            yield _sse_event(first)
            async for event in events:
                yield _sse_event(event)
    except ZhiwenError as error:
        yield OWN.last_event(error)


def _sse_event(event: Event) -> bytes:
    match event:
        case PassagesFound(passages):
            return _frame("passages", _Passages(passages=[PassageOut.of_passage(passage) for passage in passages]))
        case ReasoningDelta(text):
            return _frame("reasoning", _Delta(text=text))
        case Delta(text):
            return _frame("delta", _Delta(text=text))
        case Answer():
            return _frame("answer", AskResponse.of(event))


class _Passages(BaseModel):
    passages: list[PassageOut]


class _Delta(BaseModel):
    text: str


def _frame(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
