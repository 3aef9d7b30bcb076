"""The OpenAI-compatible surface: one model, `zhiwen`, whose answers come from the knowledge base."""

import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.disconnects import CLIENT_GONE, unless_gone
from api.openai import completions
from api.openai.annotations import without_closing
from api.openai.schemas import (
    MODEL,
    ChatCompletion,
    ChatCompletionRequest,
    ChatMessage,
    ModelList,
    ModelOut,
)
from api.openai.side_requests import Said, side_answer
from api.public_urls import base_url
from api.schemas.errors import OpenAIError
from api.sse import event_stream
from rag.answering.answer import Answerer
from rag.answering.history import Turn
from rag.errors import QuestionError
from rag.settings import ServeSettings

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIError, "description": "The request cannot be served as it is."},
    "5XX": {"model": OpenAIError, "description": "The store, the embedder or the chat model failed."},
}
_STREAM: dict[str, Any] = {
    "description": "The answer; with `stream`, chunks of it as server-sent events, the last `data: [DONE]`.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def add_openai(app: FastAPI, answerer: Answerer, serve: ServeSettings) -> None:
    """Add the routes, with and without `/v1`."""
    model = ModelOut(id=MODEL, created=int(time.time()))

    # Base URLs are given with and without /v1.
    @app.get("/models", include_in_schema=False)
    @app.get("/v1/models", responses=_ERRORS, tags=["OpenAI-compatible"])
    async def list_models() -> ModelList:
        """The one model of this server."""
        return ModelList(data=[model])

    @app.get("/models/{name:path}", include_in_schema=False)
    @app.get("/v1/models/{name:path}", responses=_ERRORS, tags=["OpenAI-compatible"])
    async def show_model(name: str) -> ModelOut:
        """One model; 404 for a name that is not listed, though a question may give any."""
        if name != MODEL:
            raise HTTPException(404, f"unknown model {name!r}; this server has only {MODEL!r}")
        return model

    @app.post("/chat/completions", response_model=ChatCompletion, include_in_schema=False)
    @app.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses=_ERRORS | {200: _STREAM},
        tags=["OpenAI-compatible"],
    )
    async def complete(request: ChatCompletionRequest, connection: Request) -> Response:
        """Answer the last user message from the knowledge base; the messages before it are the history.

        Citations come as `annotations` of type `url_citation` and, unless `serve.link_list` is false, as a list of
        links at the end of the text. A refusal is an ordinary completion.
        """
        with_usage = bool(request.stream_options and request.stream_options.include_usage)
        aside = side_answer([Said(message.role, message.text) for message in request.messages])
        if aside is not None:
            if request.stream:
                return event_stream(completions.chunks_at_once(aside, with_usage=with_usage))
            return JSONResponse(completions.at_once(aside).model_dump(exclude_none=True))
        question, history = _conversation(request.messages)
        style = completions.Style(
            question=question,
            base=base_url(serve, connection),
            with_links=serve.link_list,
        )
        events = answerer.answer(question, history=history)
        await anext(events)  # the passages; what fails before it is an ordinary error answer
        if request.stream:
            return event_stream(completions.chunks(events, style, with_usage=with_usage))
        whole = await unless_gone(connection, completions.whole(events, style))
        return JSONResponse(whole.model_dump(exclude_none=True)) if whole else Response(status_code=CLIENT_GONE)


def _conversation(messages: Sequence[ChatMessage]) -> tuple[str, list[Turn]]:
    """The last user message as the question, and what was said before it."""
    last = next((at for at in reversed(range(len(messages))) if messages[at].role == "user"), None)
    if last is None:
        raise QuestionError("messages: none has the role `user`, so there is no question")
    unread = messages[last].other_parts
    if unread:
        raise QuestionError(f"messages[{last}]: holds a part of type {unread[0]!r}; only text is read")
    history = []
    for message in messages[:last]:
        # System messages are left out on purpose: what an answer rests on is not for the client to say.
        if message.role == "user":
            history.append(Turn("user", message.text))
        elif message.role == "assistant":
            history.append(Turn("assistant", without_closing(message.text)))
    return messages[last].text, history
