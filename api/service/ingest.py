"""Ingest the knowledge folder, and preview an ingest."""

from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, Field

from api.error_codes import error_code
from api.private_paths import shown
from api.request_errors import ScopeMissing
from api.schemas.error_bodies import ErrorBody
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service import example_values
from api.service.key_entries import rights_by_name
from api.service.operation import Example, Operation
from ingest.background import RunState
from ingest.estimate import estimate_seconds
from ingest.staging.plan import OnPlan, Plan
from ingest.staging.report import IngestReport, OnProgress, Progress
from ingest.sync import ingest, preview
from rag.errors import KnowledgeError
from rag.wiring import Services


class IngestRequest(KnowledgeBaseRequest):
    """The options of an ingest."""

    path: str | None = Field(default=None, description="The folder to ingest. It must be the configured one.")
    verify: bool = Field(
        default=False, description="Hash every file instead of trusting its size and modification time."
    )
    allow_mass_deletion: bool = Field(default=False, description="Remove documents that are gone, however many.")
    force: bool = Field(default=False, description="Go live even if golden questions are lost.")


class PlanOut(BaseModel):
    """The changes of an ingest: the sources of the documents to add, change and remove, and the number of others."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int
    deletions_held_back: int = Field(
        default=0, description="Documents that are gone, and stay live because they are so many: see the report."
    )
    estimated_seconds: float | None = Field(
        default=None,
        description="In a preview: about how long the ingest will take. Null if nothing is to be read, or if the "
        "embedding model is an endpoint, which a preview does not call.",
    )

    @classmethod
    def of(cls, plan: Plan, *, estimated_seconds: float | None = None) -> "PlanOut":
        """Convert a plan to JSON."""
        return cls(
            estimated_seconds=estimated_seconds,
            added=[file.source for file in plan.added],
            changed=[file.source for file in plan.changed],
            removed=list(plan.removed),
            unchanged=plan.unchanged,
            deletions_held_back=len(plan.held_back),
        )


class ProgressOut(BaseModel):
    """The progress of an ingest. `documents_total` counts the documents to add or change."""

    documents: int
    documents_total: int
    chunks: int
    embedded: int
    chunks_per_second: float = Field(default=0.0, description="A recent mean.")
    seconds_left: float | None = Field(
        default=None, description="An estimate; null while there is nothing to judge by."
    )

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        """Convert progress to JSON."""
        return cls.model_validate(asdict(progress))


class DocumentCountsOut(BaseModel):
    """The number of documents by what became of them."""

    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int


class ChunkCountsOut(BaseModel):
    """The number of chunks by what became of them."""

    added: int
    removed: int
    unchanged: int


class FailureOut(BaseModel):
    """A document that could not be ingested, or a place that could not be read. Earlier content of it stays live."""

    source: str
    error: str


class WarningOut(BaseModel):
    """Something about a document that was ingested, or about a place that was passed over."""

    source: str
    warning: str


class IngestResponse(BaseModel):
    """The report of an ingest. `embedded` is the number of texts that were embedded."""

    generation: int
    documents: DocumentCountsOut
    chunks: ChunkCountsOut
    embedded: int
    seconds: float
    failures: list[FailureOut]
    warnings: list[WarningOut] = []
    without_passages: int = Field(default=0, description="The number of documents in which there is no text to find.")
    passed_over: dict[str, int] = Field(
        default={}, description="Files and folders that are not documents, by reason: `other suffix`, `hidden` …"
    )
    other_suffixes: dict[str, int] = Field(default={}, description="Files with another suffix, by suffix.")
    deletions_held_back: int = Field(
        default=0, description="Documents that are gone, and stay live because they are so many."
    )
    message: str = Field(default="", description="What to do about deletions that are held back.")

    @classmethod
    def of(cls, report: IngestReport) -> "IngestResponse":
        """Convert a report to JSON."""
        return cls.model_validate(asdict(report))


class IngestState(BaseModel):
    """`plan` and `progress` describe the running ingest, `last` or `error` the one that ended last."""

    running: bool
    run: int = Field(description="The number of ingests that this server has started.")
    plan: PlanOut | None = None
    progress: ProgressOut | None = None
    last: IngestResponse | None = None
    error: ErrorBody | None = None


def run_ingest(services: Services, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestReport:
    """Ingest the configured folder. Raises as `ingest`, and KnowledgeError if the request names another folder."""
    check_request(services, request)
    return ingest(
        services.settings,
        services.store,
        services.embedder,
        verify=request.verify,
        allow_mass_deletion=request.allow_mass_deletion,
        force=request.force,
        rights=rights_by_name(services.settings.serve),
        on_plan=on_plan,
        on_progress=on_progress,
    )


def check_request(services: Services, request: IngestRequest) -> None:
    """Raise KnowledgeError if the request names a folder other than the configured one.

    Raises ScopeMissing if the caller may see only some of the documents: an ingest shows and changes all of them.
    """
    if services.store.within:
        raise ScopeMissing("a caller who may see only some of the documents may not ingest them", scope="ingest")
    root = services.settings.knowledge.path.resolve()
    if request.path is not None and Path(request.path).resolve() != root:
        raise KnowledgeError(f"{request.path} is not the configured knowledge folder {root}; nothing was changed")


def describe_run(state: RunState) -> IngestState:
    """Return the state of the background ingest as JSON."""
    error = state.error
    return IngestState(
        running=state.running,
        run=state.run,
        plan=PlanOut.of(state.plan) if state.plan else None,
        progress=ProgressOut.of(state.progress) if state.progress else None,
        last=IngestResponse.of(state.report) if state.report else None,
        error=ErrorBody(code=error_code(error), message=shown(str(error))) if error else None,
    )


def preview_ingest(services: Services, request: IngestRequest) -> PlanOut:
    """Return what an ingest would change. Raises KnowledgeError, StoreError and EmbedderError.

    An endpoint that embeds is not called: a preview sends no documents anywhere.
    """
    check_request(services, request)
    settings, store, embedder = services.settings, services.store, services.embedder
    allowed = request.allow_mass_deletion
    plan = preview(settings, store, embedder, verify=request.verify, allow_mass_deletion=allowed)
    seconds = None if settings.embedding.provider == "openai" else estimate_seconds(settings, store, embedder, plan)
    return PlanOut.of(plan, estimated_seconds=seconds)


PREVIEW = Operation(
    name="preview_ingest",
    description="Show what an ingest would change and how long it would take, without changing anything.",
    method="POST",
    path="/ingest/preview",
    request=IngestRequest,
    response=PlanOut,
    run=preview_ingest,
    scope="ingest",
    tag="ingest",
    example=Example(
        request={"verify": False}, response=example_values.PLAN, errors=("knowledge_base", "ingest", "store")
    ),
)
