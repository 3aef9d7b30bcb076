"""The commands, as this process or the server that owns the store carries them out."""

from collections.abc import Callable
from typing import Protocol

from api.schemas.ask import AskRequest, AskResponse
from api.schemas.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut
from api.service.operation import Operation, RequestT, ResponseT

OnText = Callable[[str], object]
OnPlan = Callable[[PlanOut], object]
OnProgress = Callable[[ProgressOut], object]


class Service(Protocol):
    """Carries out the use cases. Raises the errors of `rag.errors`, wherever they arise."""

    @property
    def url(self) -> str:
        """The server that carries them out; "" for this process."""
        ...

    def root(self) -> str:
        """The folder that the live generation was made from; "" before the first ingest."""
        ...

    def call(self, operation: Operation[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """Carry out an operation and return its response."""
        ...

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        """Return the answer; unless it is a refusal, its text goes to `on_text` piece by piece as it is written."""
        ...

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse:
        """Ingest, and return the report once the ingest has ended."""
        ...
