"""Who carries out a command: this process, or the server that owns the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from api.schemas.ingest import IngestRequest, IngestResponse, PlanOut, ProgressOut, RollbackResponse
from api.schemas.questions import AskRequest, AskResponse, SearchRequest, SearchResponse
from api.schemas.status import StatusResponse
from api.schemas.text import TextResponse
from api.schemas.trace import TraceResponse
from api.service.owner import find_owner
from rag.settings import Settings

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


@contextmanager
def open_service(settings: Settings) -> Iterator[Service]:
    """The owner of the configured store if a server has it, else this process."""
    owner = find_owner(settings)
    if owner:
        from api.service.remote import RemoteService  # noqa: PLC0415  (each of the two is loaded only where it is used)

        with RemoteService(owner) as remote:
            yield remote
    else:
        from api.service.local import LocalService  # noqa: PLC0415

        with LocalService(settings) as local:
            yield local
