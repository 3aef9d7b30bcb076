"""What the HTTP API says of the service itself: status, health, which instance it is."""

from importlib.metadata import version

from fastapi import FastAPI, Response

from api.schemas.errors import ERRORS
from api.schemas.status import HealthResponse, StatusResponse
from api.service.local import run_status
from api.service.owner import INSTANCE_HEADER, INSTANCE_PATH
from rag.wiring import Parts


def add_service(app: FastAPI, parts: Parts, instance: str) -> None:
    @app.get("/status", responses=ERRORS, tags=["service"])
    def status() -> StatusResponse:
        """What is live, and what the next ingest would do."""
        return run_status(parts.settings, parts.store)

    @app.get(INSTANCE_PATH, include_in_schema=False)
    async def which() -> Response:
        return Response(headers={INSTANCE_HEADER: instance}, status_code=204)

    @app.get("/health", responses=ERRORS, tags=["service"])
    def health() -> HealthResponse:
        """Whether the service can answer; 503 if the store cannot be reached."""
        state = parts.store.state()
        live = state.live if state else None
        return HealthResponse(
            status="ok" if live else "empty",
            generation=live.generation if live else 0,
            root=live.root if live else "",
            documents=live.documents if live else 0,
            chunks=live.chunks if live else 0,
            embedder=parts.embedder.name,
            chat=parts.chat.name,
            version=version("zhiwen"),
        )
