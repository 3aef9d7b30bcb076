"""Health: whether the service can answer, and with which models."""

from importlib.metadata import version

from api.schemas.health import HealthResponse
from api.schemas.request_model import EmptyRequest
from api.service.operation import Example, Operation
from rag.wiring import Services


def read_health(services: Services) -> HealthResponse:
    """Read the live generation from the store and the names of the models. Raises StoreError."""
    state = services.store.state()
    live = state.live if state else None
    return HealthResponse(
        status="ok" if live else "empty",
        generation=live.generation if live else 0,
        root=live.root if live else "",
        documents=live.documents if live else 0,
        chunks=live.chunks if live else 0,
        embedder=services.embedder.name,
        chat=services.answerer.model_name,
        version=version("zhiwen"),
    )


HEALTH = Operation(
    name="health",
    description="Show whether the service can answer, and with which models; 503 if the store cannot be reached.",
    method="GET",
    path="/health",
    request=EmptyRequest,
    response=HealthResponse,
    run=lambda services, request: read_health(services),
    scope="ask",
    tag="service",
    example=Example(
        response={
            "status": "ok",
            "generation": 1,
            "root": "/srv/handbook",
            "documents": 41,
            "chunks": 483,
            "embedder": "builtin/multilingual-e5-small",
            "chat": "qwen/qwen-plus",
            "version": "0.1.0",
        },
        errors=("store",),
    ),
)
