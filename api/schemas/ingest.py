"""Ingests with their plans, progress and reports, as JSON."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from api.schemas.errors import ErrorBody
from api.schemas.request_model import RequestModel
from ingest.staging.plan import Plan
from ingest.staging.report import IngestReport, Progress


class IngestRequest(RequestModel):
    """The options of an ingest."""

    path: str | None = Field(default=None, description="The folder to ingest. It must be the configured one.")
    verify: bool = Field(
        default=False, description="Hash every file instead of trusting its size and modification time."
    )
    allow_mass_deletion: bool = Field(default=False, description="Continue even if many documents are gone.")
    force: bool = Field(default=False, description="Go live even if golden questions no longer find their passages.")


class PlanOut(BaseModel):
    """The changes of an ingest: the sources of the documents to add, change and remove, and the number of others."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        """Convert a plan to JSON."""
        return cls(
            added=[file.source for file in plan.added],
            changed=[file.source for file in plan.changed],
            removed=list(plan.removed),
            unchanged=len(plan.unchanged),
        )


class ProgressOut(BaseModel):
    """The progress of an ingest. `documents_total` counts the documents to add or change."""

    documents: int
    documents_total: int
    chunks: int
    embedded: int

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
    """A document that could not be ingested. Its earlier content, if any, stays live."""

    source: str
    error: str


class IngestResponse(BaseModel):
    """The report of an ingest. `embedded` is the number of texts that were embedded."""

    generation: int
    documents: DocumentCountsOut
    chunks: ChunkCountsOut
    embedded: int
    seconds: float
    failures: list[FailureOut]

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


class RollbackResponse(BaseModel):
    """The generation that was left and the one that is live now."""

    left: int
    live: int
