"""Ingest the knowledge folder, preview an ingest, and roll back."""

from pathlib import Path

from api.error_codes import error_code
from api.schemas.errors import ErrorBody
from api.schemas.ingest import IngestRequest, IngestResponse, IngestState, PlanOut, ProgressOut, RollbackResponse
from api.schemas.request_model import EmptyRequest
from api.service import samples
from api.service.operation import Example, Operation
from ingest.runner import RunState
from ingest.staging.lease import write_lease
from ingest.staging.plan import OnPlan
from ingest.staging.recovery import roll_back
from ingest.staging.report import IngestReport, OnProgress
from ingest.sync import ingest, preview
from rag.errors import KnowledgeError
from rag.settings import Settings
from rag.store.store import Store
from rag.wiring import Services


def run_ingest(services: Services, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestReport:
    """Ingest the configured folder. Raises as `ingest`, and KnowledgeError if the request names another folder."""
    check_path(services.settings, request)
    return ingest(
        services.settings,
        services.store,
        services.embedder,
        verify=request.verify,
        allow_mass_deletion=request.allow_mass_deletion,
        force=request.force,
        on_plan=on_plan,
        on_progress=on_progress,
    )


def check_path(settings: Settings, request: IngestRequest) -> None:
    """Raise KnowledgeError if the request names a folder other than the configured one."""
    root = settings.knowledge.path.resolve()
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
        error=ErrorBody(code=error_code(error), message=str(error)) if error else None,
    )


def preview_ingest(services: Services, request: IngestRequest) -> PlanOut:
    """Return what an ingest would change. Raises KnowledgeError, StoreError and EmbedderError."""
    check_path(services.settings, request)
    return PlanOut.of(preview(services.settings, services.store, services.embedder, verify=request.verify))


def roll_back_generation(store: Store) -> RollbackResponse:
    """Go back to the previous generation. Raises StoreLocked, NoEarlierGeneration and StoreError."""
    with write_lease(store):
        left, live = roll_back(store)
    return RollbackResponse(left=left.generation, live=live.generation)


PREVIEW = Operation(
    name="preview_ingest",
    description="Show what an ingest would change, without changing anything.",
    method="POST",
    path="/ingest/preview",
    request=IngestRequest,
    response=PlanOut,
    run=preview_ingest,
    scope="ingest",
    tag="ingest",
    example=Example(request={"verify": False}, response=samples.PLAN, errors=("ingest", "store")),
)

ROLLBACK = Operation(
    name="rollback",
    description="Go back to the previous generation.",
    method="POST",
    path="/rollback",
    request=EmptyRequest,
    response=RollbackResponse,
    run=lambda services, request: roll_back_generation(services.store),
    scope="admin",
    tag="ingest",
    example=Example(response={"left": 2, "live": 1}, errors=("rollback", "store")),
)
