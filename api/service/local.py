"""The commands, carried out in this process."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, aclosing
from functools import cached_property
from pathlib import Path
from types import TracebackType

from api.schemas.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut, RollbackResponse
from api.schemas.questions import AskRequest, AskResponse, SearchRequest, SearchResponse
from api.schemas.status import StatusResponse
from api.schemas.text import TextResponse, run_read
from api.schemas.trace import TraceResponse, run_trace
from api.service.protocol import OnPlan, OnProgress, OnText
from ingest.staging.lease import write_lease
from ingest.staging.plan import Plan
from ingest.staging.recovery import roll_back
from ingest.staging.report import IngestReport, Progress
from ingest.sync import ingest, pending_changes, preview
from rag.answering.answer import Delta, answer, search
from rag.errors import KnowledgeError
from rag.settings import Settings
from rag.state.traces import TraceStore
from rag.store.store import Store
from rag.types import Answer
from rag.wiring import Parts, open_parts, open_store


class LocalService:
    """Opens the store, the embedder and the chat model when they are first needed. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> "LocalService":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return ""

    def root(self) -> str:
        state = self._store.state()
        return state.live.root if state else ""

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse:
        report = run_ingest(
            self._parts,
            request,
            on_plan=lambda plan: on_plan(PlanOut.of(plan)),
            on_progress=lambda progress: on_progress(ProgressOut.of(progress)),
        )
        return IngestResponse.of(report)

    def preview(self, request: IngestRequest) -> PlanOut:
        return run_preview(self._parts, request)

    def search(self, request: SearchRequest) -> SearchResponse:
        return run_search(self._parts, request)

    def read(self, name: str) -> TextResponse:
        return run_read(self._store, name)

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        return asyncio.run(self._ask(request, on_text))

    def trace(self, trace_id: str) -> TraceResponse:
        return run_trace(TraceStore(self._settings.traces), trace_id)

    def status(self) -> StatusResponse:
        return run_status(self._settings, self._store)

    def rollback(self) -> RollbackResponse:
        return run_rollback(self._store)

    @cached_property
    def _store(self) -> Store:
        return self._stack.enter_context(open_store(self._settings))

    @cached_property
    def _parts(self) -> Parts:
        return self._stack.enter_context(open_parts(self._settings, store=self._store))

    async def _ask(self, request: AskRequest, on_text: OnText) -> AskResponse:
        condition = request.filter.to_filter() if request.filter else None
        history = [turn.to_turn() for turn in request.history]
        try:
            async with aclosing(answer(request.question, self._parts, condition=condition, history=history)) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        on_text(event.text)
                    if isinstance(event, Answer):
                        return AskResponse.of(event)
        finally:
            await self._parts.chat.close()
        raise AssertionError("an answer always comes last")


def run_ingest(
    parts: Parts,
    request: IngestRequest,
    *,
    on_plan: Callable[[Plan], object],
    on_progress: Callable[[Progress], object],
) -> IngestReport:
    """Raises KnowledgeError if the request names another folder than the configured one."""
    check_path(parts.settings, request)
    return ingest(
        parts.settings,
        parts.store,
        parts.embedder,
        verify=request.verify,
        allow_mass_deletion=request.allow_mass_deletion,
        force=request.force,
        on_plan=on_plan,
        on_progress=on_progress,
    )


def run_preview(parts: Parts, request: IngestRequest) -> PlanOut:
    check_path(parts.settings, request)
    return PlanOut.of(preview(parts.settings, parts.store, parts.embedder, verify=request.verify))


def run_search(parts: Parts, request: SearchRequest) -> SearchResponse:
    condition = request.filter.to_filter() if request.filter else None
    found = search(request.question, parts, top_k=request.top_k, condition=condition)
    return SearchResponse.of(found, explain=request.explain)


def run_status(settings: Settings, store: Store) -> StatusResponse:
    state = store.state()
    live = state.live if state else None
    try:
        pending = PlanOut.of(pending_changes(settings, store))
    except KnowledgeError:
        pending = None  # the folder may live on another machine than this one
    return StatusResponse(
        generation=live.generation if live else 0,
        committed_at=live.committed_at if live else None,
        root=live.root if live else str(settings.knowledge.path.resolve()),
        documents=live.documents if live else 0,
        chunks=live.chunks if live else 0,
        embedder=live.embedder if live else "",
        store=store.uri,
        pending=pending,
    )


def run_rollback(store: Store) -> RollbackResponse:
    with write_lease(store):
        left, live = roll_back(store)
    return RollbackResponse(left=left.generation, live=live.generation)


def check_path(settings: Settings, request: IngestRequest) -> None:
    root = settings.knowledge.path.resolve()
    if request.path is not None and Path(request.path).resolve() != root:
        raise KnowledgeError(f"{request.path} is not the configured knowledge folder {root}; nothing was changed")
