"""`POST /ingest` and `GET /ingest`: start an ingest in the background, and follow its progress."""

from fastapi import FastAPI

from api.schemas.error_bodies import ERRORS
from api.schemas.knowledge_base_parameter import KnowledgeBase
from api.service.ingest import IngestRequest, IngestState, check_request, describe_run, run_ingest
from api.service.permitted import permitted_one
from ingest.background import IngestRunner
from rag.knowledge_base_names import DEFAULT
from rag.wiring import Services


def add_ingest(app: FastAPI, services: Services, runner: IngestRunner) -> None:
    """Add the routes of the background ingest."""

    @app.post("/ingest", status_code=202, responses=ERRORS, tags=["ingest"])
    def start_ingest(request: IngestRequest | None = None) -> IngestState:
        """Start to ingest the folder of a knowledge base in the background; 409 while another ingest of it runs.

        Ingests of several knowledge bases take turns.
        """
        options = request or IngestRequest()
        chosen = permitted_one(services, options.knowledge_base)
        check_request(chosen, options)
        state = runner.of(options.knowledge_base).start(
            lambda on_plan, on_progress: run_ingest(chosen, options, on_plan=on_plan, on_progress=on_progress)
        )
        return describe_run(state)

    @app.get("/ingest", responses=ERRORS, tags=["ingest"])
    def ingest_state(knowledge_base: KnowledgeBase = DEFAULT) -> IngestState:
        """Show the progress of the running ingest and the result of the last one.

        A key that may see only some of the documents sees only whether an ingest runs.
        """
        chosen = permitted_one(services, knowledge_base)
        state = describe_run(runner.of(knowledge_base).state)
        return IngestState(running=state.running, run=state.run) if chosen.store.within else state
