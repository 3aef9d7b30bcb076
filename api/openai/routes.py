"""The OpenAI-compatible API: a model for each knowledge base; `zhiwen` answers from the default one."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.cancel_on_disconnect import CLIENT_GONE, unless_gone
from api.openai import completions
from api.openai.annotations import without_footer
from api.openai.client_tasks import ClientMessage, answer_client_task
from api.openai.models import knowledge_base_of, model_ids, model_of
from api.openai.schemas import (
    ChatCompletion,
    ChatCompletionRequest,
    ChatMessage,
    ModelList,
    ModelOut,
)
from api.public_urls import base_url
from api.schemas.error_bodies import OpenAIError
from api.service.permitted import knowledge_base_if_unnamed, permitted, permitted_several
from api.sse import event_stream
from rag.answering.history import Turn
from rag.errors import KnowledgeBaseNotFound, QuestionError
from rag.wiring import Services

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIError, "description": "The request is invalid, not allowed or over a limit."},
    "5XX": {"model": OpenAIError, "description": "The store, the embedder or the chat model failed."},
}
_STREAM: dict[str, Any] = {
    "description": "The answer; with `stream`, chunks of it as server-sent events, ended by `data: [DONE]`.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def add_openai(app: FastAPI, services: Services) -> None:
    """Add the routes of models and chat completions, each with and without `/v1`: clients expect either."""
    _add_models(app, services)
    _add_completions(app, services)


def _add_models(app: FastAPI, services: Services) -> None:
    created = int(time.time())

    def models() -> dict[str, ModelOut]:
        return {name: ModelOut(id=name, created=created) for name in _model_ids(services)}

    @app.get("/models", include_in_schema=False)
    @app.get("/v1/models", responses=_ERRORS, tags=["OpenAI-compatible"])
    async def list_models() -> ModelList:
        """List the models of this server: one for each knowledge base and, if there are several, one for all."""
        return ModelList(data=list(models().values()))

    @app.get("/models/{name:path}", include_in_schema=False)
    @app.get("/v1/models/{name:path}", responses=_ERRORS, tags=["OpenAI-compatible"])
    async def show_model(name: str) -> ModelOut:
        """Show a model; 404 for a name that is not listed. Chat completions accept names of other models, too."""
        known = models()
        if name not in known:
            raise HTTPException(404, _unknown(name, known))
        return known[name]


def _add_completions(app: FastAPI, services: Services) -> None:
    serve = services.settings.serve

    @app.post("/chat/completions", response_model=ChatCompletion, include_in_schema=False)
    @app.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses=_ERRORS | {200: _STREAM},
        tags=["OpenAI-compatible"],
    )
    async def complete(request: ChatCompletionRequest, connection: Request) -> Response:
        """Answer the last user message from the knowledge base; the messages before it are the history.

        Citations are returned as `annotations` of type `url_citation` and, unless `serve.link_list` is false, as a list
        of links below the text. A refusal is an ordinary completion.
        """
        knowledge_base = knowledge_base_of(request.model, knowledge_base_if_unnamed(services))
        try:
            answerer = permitted_several(services, [knowledge_base]).answerer
        except KnowledgeBaseNotFound as error:
            raise KnowledgeBaseNotFound(_unknown(request.model, _model_ids(services))) from error
        model = model_of(knowledge_base)
        with_usage = bool(request.stream_options and request.stream_options.include_usage)
        task_answer = answer_client_task([ClientMessage(message.role, message.text) for message in request.messages])
        if task_answer is not None:
            if request.stream:
                return event_stream(completions.text_chunks(task_answer, with_usage=with_usage, model=model))
            return JSONResponse(completions.text_completion(task_answer, model=model).model_dump(exclude_none=True))
        question, history = _question_and_history(request.messages)
        style = completions.AnswerStyle(
            question=question,
            base=base_url(serve, connection),
            with_links=serve.link_list,
            model=model,
        )
        events = answerer.answer(question, history=history)
        await anext(events)  # the passages; an error before them is an ordinary error response
        if request.stream:
            return event_stream(completions.answer_chunks(events, style, with_usage=with_usage))
        completion = await unless_gone(connection, completions.answer_completion(events, style))
        if completion is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(completion.model_dump(exclude_none=True))


def _model_ids(services: Services) -> list[str]:
    return model_ids(tuple(permitted(services).knowledge_bases))


def _unknown(model: str, there_are: Iterable[str]) -> str:
    return f"unknown model {model[:64]!r}; this server has: {', '.join(there_are) or 'none'}"


def _question_and_history(messages: Sequence[ChatMessage]) -> tuple[str, list[Turn]]:
    """Return the last user message and the turns before it. Raises QuestionError."""
    last = next((index for index in reversed(range(len(messages))) if messages[index].role == "user"), None)
    if last is None:
        raise QuestionError("messages: no message has the role `user`, so there is no question")
    unsupported = messages[last].other_parts
    if unsupported:
        raise QuestionError(f"messages[{last}]: cannot read a part of type {unsupported[0]!r}; only text is supported")
    history = []
    for message in messages[:last]:
        # System messages are left out on purpose: the client does not decide what an answer may rest on.
        if message.role == "user":
            history.append(Turn("user", message.text))
        elif message.role == "assistant":
            history.append(Turn("assistant", without_footer(message.text)))
    return messages[last].text, history
