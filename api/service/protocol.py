"""The commands, as this process or the server that owns the store carries them out."""

from collections.abc import Callable
from typing import Protocol

from api.schemas.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut, RollbackResponse
from api.schemas.questions import AskRequest, AskResponse, SearchRequest, SearchResponse
from api.schemas.status import StatusResponse
from api.schemas.text import TextResponse
from api.schemas.trace import TraceResponse

OnText = Callable[[str], object]
OnPlan = Callable[[PlanOut], object]
OnProgress = Callable[[ProgressOut], object]


class Service(Protocol):
    """The commands. Raises the errors of rag.errors, wherever they arise."""

    @property
    def url(self) -> str:
        """The server that carries them out; "" for this process."""
        ...

    def root(self) -> str:
        """The folder that the live generation was made from; "" if nothing has been ingested yet."""
        ...

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse: ...

    def preview(self, request: IngestRequest) -> PlanOut:
        """What `ingest` would do."""
        ...

    def search(self, request: SearchRequest) -> SearchResponse: ...

    def read(self, name: str) -> TextResponse:
        """A passage in its section, or a document, by id. Raises TextNotFound."""
        ...

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        """The answer; unless it is a refusal, its text goes to `on_text` piece by piece as it is written."""
        ...

    def trace(self, trace_id: str) -> TraceResponse:
        """How an answer came about. Raises TraceNotFound."""
        ...

    def status(self) -> StatusResponse: ...

    def rollback(self) -> RollbackResponse: ...
