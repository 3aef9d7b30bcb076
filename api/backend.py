"""Who carries out a command: this process, or the server that owns the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from api.ingest_schemas import IngestRequest, IngestResponse, PlanOut, ProgressOut, RollbackResponse
from api.owner import find_owner
from api.question_schemas import AskRequest, AskResponse, SearchRequest, SearchResponse
from api.reading_schemas import TextResponse
from api.service_schemas import StatusResponse
from api.trace_schemas import TraceResponse
from rag.config import Settings

OnText = Callable[[str], object]
OnPlan = Callable[[PlanOut], object]
OnProgress = Callable[[ProgressOut], object]


class Backend(Protocol):
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
def open_backend(settings: Settings) -> Iterator[Backend]:
    """The owner of the configured store if a server has it, else this process."""
    owner = find_owner(settings)
    if owner:
        from api.remote import Remote  # noqa: PLC0415  (each of the two is loaded only where it is used)

        with Remote(owner) as remote:
            yield remote
    else:
        from api.local import Local  # noqa: PLC0415

        with Local(settings) as local:
            yield local
