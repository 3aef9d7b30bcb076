"""`POST /ingest` and `GET /ingest`: start an ingest in the background, and follow its progress."""

from fastapi import FastAPI

from api.schemas.error_bodies import ERRORS
from api.service.ingest import IngestRequest, IngestState, check_path, describe_run, run_ingest
from ingest.background import IngestRunner
from rag.wiring import Services


def add_ingest(app: FastAPI, services: Services, runner: IngestRunner) -> None:
    """Add the routes of the background ingest."""

    @app.post("/ingest", status_code=202, responses=ERRORS, tags=["ingest"])
    def start_ingest(request: IngestRequest | None = None) -> IngestState:
        """Start to ingest the knowledge folder in the background; 409 while another ingest runs."""
        options = request or IngestRequest()
        check_path(services.settings, options)
        state = runner.start(
            lambda on_plan, on_progress: run_ingest(services, options, on_plan=on_plan, on_progress=on_progress)
        )
        return describe_run(state)

    @app.get("/ingest", responses=ERRORS, tags=["ingest"])
    def ingest_state() -> IngestState:
        """Show the progress of the running ingest and the result of the last one."""
        return describe_run(runner.state)
