"""Ingests, what they would do and what they did, over the wire."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from api.schemas.errors import ErrorBody
from api.schemas.request_model import RequestModel
from ingest.staging.plan import Plan
from ingest.staging.report import IngestReport, Progress


class IngestRequest(RequestModel):
    path: str | None = Field(default=None, description="The knowledge folder; it must be the configured one.")
    verify: bool = Field(default=False, description="Hash every file instead of trusting size and time.")
    allow_mass_deletion: bool = Field(default=False, description="Go on even if many documents are gone.")
    force: bool = Field(default=False, description="Go live even if golden questions are lost.")


class PlanOut(BaseModel):
    """What an ingest does: the sources of the documents added, changed and removed, and how many stay."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        return cls(
            added=[file.source for file in plan.added],
            changed=[file.source for file in plan.changed],
            removed=list(plan.removed),
            unchanged=len(plan.unchanged),
        )


class ProgressOut(BaseModel):
    documents: int
    documents_total: int
    chunks: int
    embedded: int

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        return cls.model_validate(asdict(progress))


class DocumentCountsOut(BaseModel):
    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int


class ChunkCountsOut(BaseModel):
    added: int
    removed: int
    unchanged: int


class FailureOut(BaseModel):
    source: str
    error: str


class IngestResponse(BaseModel):
    generation: int
    documents: DocumentCountsOut
    chunks: ChunkCountsOut
    embedded: int
    seconds: float
    failures: list[FailureOut]

    @classmethod
    def of(cls, report: IngestReport) -> "IngestResponse":
        return cls.model_validate(asdict(report))


class IngestState(BaseModel):
    """`plan` and `progress` are of the running ingest; `last` or `error` of the last that ended."""

    running: bool
    run: int = Field(description="Counts the ingests that this server has started.")
    plan: PlanOut | None = None
    progress: ProgressOut | None = None
    last: IngestResponse | None = None
    error: ErrorBody | None = None


class RollbackResponse(BaseModel):
    left: int
    live: int
