"""The service that runs a command: this process, or the server that owns the database."""

from collections.abc import Callable
from typing import Protocol

from api.service.ask import AskRequest, AskResponse
from api.service.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut
from api.service.operation import Operation, RequestT, ResponseT
from rag.knowledge_base_names import DEFAULT

OnText = Callable[[str], object]
OnPlan = Callable[[PlanOut], object]
OnProgress = Callable[[ProgressOut], object]


class Service(Protocol):
    """Runs the use cases. Raises the errors of `rag.errors`, also those that happened in a server."""

    @property
    def url(self) -> str:
        """Return the address of the server that runs them; "" for this process."""
        ...

    def root(self, knowledge_base: str = DEFAULT) -> str:
        """Return the folder of the live generation; "" before the first ingest. Raises KnowledgeBaseNotFound."""
        ...

    def call(self, operation: Operation[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """Run an operation and return its response."""
        ...

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        """Return the answer. While the text is written, pass each piece to `on_text`; a refusal passes none."""
        ...

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse:
        """Ingest and return the report. Call `on_plan` once and `on_progress` whenever there is progress."""
        ...
