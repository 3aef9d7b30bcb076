"""The HTTP surface: questions, searches, ingests and health."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from fastapi.sse import format_sse_event
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from api.disconnects import unless_gone
from api.errors import code_of, status_of
from api.limits import BodyLimit
from api.local import check_path, run_ingest, run_preview, run_rollback, run_search, run_status
from api.owner import INSTANCE_HEADER, INSTANCE_PATH
from api.schemas import (
    AskRequest,
    AskResponse,
    ErrorBody,
    ErrorResponse,
    HealthResponse,
    IngestRequest,
    IngestResponse,
    IngestState,
    PassageOut,
    PlanOut,
    ProgressOut,
    RollbackResponse,
    SearchRequest,
    SearchResponse,
    StatusResponse,
)
from ingest.runner import IngestRunner, RunState
from rag.answer import Delta, Event, PassagesFound, answer
from rag.chat import Reasoning
from rag.errors import ZhiwenError
from rag.vocabulary import Answer
from rag.wiring import Parts

log = logging.getLogger("zhiwen.api")

_CLIENT_GONE = 499  # nginx's number for it; nobody reads it but a log

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorResponse, "description": "The request cannot be served as it is."},
    "5XX": {"model": ErrorResponse, "description": "The store, the embedder or the chat model failed."},
}


def create_app(parts: Parts, runner: IngestRunner, *, instance: str = "") -> FastAPI:
    """The application over open parts; whoever opened them closes them. `instance` tells one server from another."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(runner.stop)
        await parts.chat.close()

    app: FastAPI = FastAPIOffline(
        docs_url="/api-docs",
        redoc_url=None,
        static_url="/api-docs/assets",
        title="知问 zhiwen",
        version=version("zhiwen"),
        description="Cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, max_bytes=parts.settings.serve.max_body_bytes)
    app.add_exception_handler(ZhiwenError, _on_zhiwen_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)
    _add_questions(app, parts)
    _add_ingest(app, parts, runner)
    _add_service(app, parts, instance)
    return app


def _add_questions(app: FastAPI, parts: Parts) -> None:
    @app.post("/ask", response_model=AskResponse, responses=_ERRORS | {200: _EVENTS}, tags=["ask"])
    async def ask(request: AskRequest, connection: Request) -> Response:
        """Answer a question from the knowledge base, with citations, or refuse."""
        condition = request.filter.to_filter() if request.filter else None
        events = answer(request.question, parts, condition=condition)
        first = await anext(events)  # what fails before it is an ordinary error answer
        if request.stream:
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            return StreamingResponse(_sse(first, events), media_type="text/event-stream", headers=headers)
        whole = await unless_gone(connection, _last(events))
        return JSONResponse(AskResponse.of(whole).model_dump()) if whole else Response(status_code=_CLIENT_GONE)

    @app.post("/search", responses=_ERRORS, tags=["ask"])
    def search(request: SearchRequest) -> SearchResponse:
        """The passages nearest to a question, best first."""
        return run_search(parts, request)


def _add_ingest(app: FastAPI, parts: Parts, runner: IngestRunner) -> None:
    @app.post("/ingest", status_code=202, responses=_ERRORS, tags=["ingest"])
    def start_ingest(request: IngestRequest | None = None) -> IngestState:
        """Bring the index in line with the knowledge folder, in the background; 409 while an ingest runs."""
        wanted = request or IngestRequest()
        check_path(parts.settings, wanted)
        state = runner.start(
            lambda on_plan, on_progress: run_ingest(parts, wanted, on_plan=on_plan, on_progress=on_progress)
        )
        return _ingest_state(state)

    @app.get("/ingest", responses=_ERRORS, tags=["ingest"])
    def ingest_state() -> IngestState:
        """How far the running ingest is, and how the last one ended."""
        return _ingest_state(runner.state)

    @app.post("/ingest/preview", responses=_ERRORS, tags=["ingest"])
    def preview_ingest(request: IngestRequest | None = None) -> PlanOut:
        """What an ingest would do."""
        return run_preview(parts, request or IngestRequest())

    @app.post("/rollback", responses=_ERRORS, tags=["ingest"])
    def rollback() -> RollbackResponse:
        """Go back to the generation before the live one."""
        return run_rollback(parts.store)


def _add_service(app: FastAPI, parts: Parts, instance: str) -> None:
    @app.get("/", include_in_schema=False)
    def home() -> RedirectResponse:
        return RedirectResponse("/api-docs")

    @app.get("/status", responses=_ERRORS, tags=["service"])
    def status() -> StatusResponse:
        """What is live, and what the next ingest would do."""
        return run_status(parts.settings, parts.store)

    @app.get(INSTANCE_PATH, include_in_schema=False)
    async def which() -> Response:
        return Response(headers={INSTANCE_HEADER: instance}, status_code=204)

    @app.get("/health", responses=_ERRORS, tags=["service"])
    def health() -> HealthResponse:
        """Whether the service can answer; 503 if the store cannot be reached."""
        state = parts.store.state()
        live = state.live if state else None
        return HealthResponse(
            status="ok" if live else "empty",
            generation=live.generation if live else 0,
            root=live.root if live else "",
            documents=live.documents if live else 0,
            chunks=live.chunks if live else 0,
            embedder=parts.embedder.name,
            chat=parts.chat.name,
            version=version("zhiwen"),
        )


_EVENTS: dict[str, Any] = {
    "description": "The answer; with `stream`, the events `passages`, `delta`…, and `answer` or `error`.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


async def _last(events: AsyncGenerator[Event, None]) -> Answer:
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("an answer always comes last")


async def _sse(first: Event, events: AsyncGenerator[Event, None]) -> AsyncIterator[bytes]:
    try:
        async with aclosing(events):
            yield _sse_event(first)
            async for event in events:
                yield _sse_event(event)
    except ZhiwenError as error:
        yield _frame("error", _error_response(code_of(error), str(error)).error)


def _sse_event(event: Event) -> bytes:
    match event:
        case PassagesFound(passages):
            return _frame("passages", _Passages(passages=[PassageOut.of_passage(passage) for passage in passages]))
        case Reasoning(text):
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


def _ingest_state(state: RunState) -> IngestState:
    return IngestState(
        running=state.running,
        run=state.run,
        plan=PlanOut.of(state.plan) if state.plan else None,
        progress=ProgressOut.of(state.progress) if state.progress else None,
        last=IngestResponse.of(state.report) if state.report else None,
        error=_error_response(code_of(state.error), str(state.error)).error if state.error else None,
    )


def _error_response(code: str, message: str) -> ErrorResponse:
    return ErrorResponse(error=ErrorBody(code=code, message=message))


def _json_error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(_error_response(code, message).model_dump(), status_code=status)


async def _on_zhiwen_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ZhiwenError)  # noqa: S101  (registered for it)
    status = status_of(error)
    if status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return _json_error(status, code_of(error), str(error))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it)
    problems = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if part != "body")
        problems.append(f"{where}: {problem['msg']}" if where else str(problem["msg"]))
    return _json_error(422, "invalid_request", "; ".join(problems))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for it)
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "http_error")
    response = _json_error(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return _json_error(500, "internal", "something went wrong that should not; the log of the service says what")
