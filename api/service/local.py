"""The service in this process."""

import asyncio
from contextlib import aclosing
from functools import cached_property
from types import TracebackType

from api.service.ask import AskRequest, AskResponse, answer_events
from api.service.audit import ACTIONS, COMMAND_LINE, AuditLog, Subject, noting_subject
from api.service.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut, run_ingest
from api.service.kept_questions import observe_answers
from api.service.operation import Operation, RequestT, ResponseT, services_for
from api.service.protocol import OnPlan, OnProgress, OnText
from rag.chat.protocol import TextDelta
from rag.knowledge_base_names import DEFAULT
from rag.settings import Settings
from rag.state.traces import Trace
from rag.types import Answer
from rag.wiring import Services


class LocalService:
    """Runs the use cases in this process. A context manager; it opens the store and the models on first use."""

    def __init__(self, settings: Settings) -> None:
        self._services = Services(settings, for_one_command=True)
        self._audit = AuditLog(settings.serve)

    def __enter__(self) -> "LocalService":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._services.__exit__(kind, error, traceback)

    @property
    def url(self) -> str:
        """Return "": no server is involved."""
        return ""

    def root(self, knowledge_base: str = DEFAULT) -> str:
        """Return the folder of the live generation; "" before the first ingest."""
        live = self._services.of(knowledge_base).store.live()
        return live.root if live else ""

    def call(self, operation: Operation[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """Run an operation in the current thread."""
        with noting_subject() as subject:
            try:
                return operation.run_for(self._services, request)
            finally:
                self._note(f"{operation.method} {operation.path}", subject)

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        """Answer in an event loop of its own."""
        return asyncio.run(self._ask(request, on_text))

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse:
        """Ingest in the current thread."""
        self._note("POST /ingest", Subject((request.knowledge_base,)))
        report = run_ingest(
            self._services.of(request.knowledge_base),
            request,
            on_plan=lambda plan: on_plan(PlanOut.of(plan)),
            on_progress=lambda progress: on_progress(ProgressOut.of(progress)),
        )
        return IngestResponse.of(report)

    @cached_property
    def _observed(self) -> Services:
        """The services, with the answers noted and counted from now on."""
        services = self._services
        observe_answers(services.traces, services.questions, services.document_uses)
        services.traces.observe(lambda trace: self._note("POST /ask", Subject(trace.knowledge_bases), trace))
        return services

    def _note(self, route: str, subject: Subject, trace: Trace | None = None) -> None:
        if action := ACTIONS.get(route):
            self._audit.note(action, COMMAND_LINE, trace=trace, subject=subject)

    async def _ask(self, request: AskRequest, on_text: OnText) -> AskResponse:
        services = services_for(self._observed, request)
        try:
            async with aclosing(answer_events(services.answerer, request)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        on_text(event.text)
                    if isinstance(event, Answer):
                        return AskResponse.of(event)
        finally:
            if chat := self._services.chat:
                await chat.close()
        raise AssertionError("an answer always comes last")
