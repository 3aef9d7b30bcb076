"""The ingests of the HTTP API: starting, watching, previewing, going back."""

from fastapi import FastAPI

from api.http.error_handlers import error_body
from api.schemas.errors import ERRORS
from api.schemas.ingest import IngestRequest, IngestResponse, IngestState, PlanOut, ProgressOut, RollbackResponse
from api.service.local import check_path, run_ingest, run_preview, run_rollback
from ingest.runner import IngestRunner, RunState
from rag.wiring import Parts


def add_ingests(app: FastAPI, parts: Parts, runner: IngestRunner) -> None:
    @app.post("/ingest", status_code=202, responses=ERRORS, tags=["ingest"])
    def start_ingest(request: IngestRequest | None = None) -> IngestState:
        """Bring the index in line with the knowledge folder, in the background; 409 while an ingest runs."""
        wanted = request or IngestRequest()
        check_path(parts.settings, wanted)
        state = runner.start(
            lambda on_plan, on_progress: run_ingest(parts, wanted, on_plan=on_plan, on_progress=on_progress)
        )
        return _ingest_state(state)

    @app.get("/ingest", responses=ERRORS, tags=["ingest"])
    def ingest_state() -> IngestState:
        """How far the running ingest is, and how the last one ended."""
        return _ingest_state(runner.state)

    @app.post("/ingest/preview", responses=ERRORS, tags=["ingest"])
    def preview_ingest(request: IngestRequest | None = None) -> PlanOut:
        """What an ingest would do."""
        return run_preview(parts, request or IngestRequest())

    @app.post("/rollback", responses=ERRORS, tags=["ingest"])
    def rollback() -> RollbackResponse:
        """Go back to the generation before the live one."""
        return run_rollback(parts.store)


def _ingest_state(state: RunState) -> IngestState:
    return IngestState(
        running=state.running,
        run=state.run,
        plan=PlanOut.of(state.plan) if state.plan else None,
        progress=ProgressOut.of(state.progress) if state.progress else None,
        last=IngestResponse.of(state.report) if state.report else None,
        error=error_body(state.error) if state.error else None,
    )
