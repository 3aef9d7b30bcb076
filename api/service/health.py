"""Health: whether the service can answer, and with which models."""

from typing import Literal

from pydantic import BaseModel

from api.private_paths import shown
from api.schemas.request_model import EmptyRequest
from api.service.operation import Example, Operation
from api.version import version
from rag.answering.quote import EXTRACTIVE
from rag.errors import StateUnavailable
from rag.wiring import Services


class HealthResponse(BaseModel):
    """The live generation and the models. `status` is `empty` before the first ingest.

    While `state` is `unavailable`, answers go on, but traces and feedback cannot be read or kept.
    """

    status: Literal["ok", "empty"]
    generation: int
    root: str
    documents: int
    chunks: int
    embedder: str
    chat: str
    version: str
    state: Literal["ok", "unavailable"] = "ok"


class LiveResponse(BaseModel):
    """`live` is always true: a dead process gives no response."""

    live: bool


ReadyPart = Literal["store", "embedder", "generation", "service", "keys"]


class ReadyPartOut(BaseModel):
    """A part that an answer needs. `code` is an error code if `ok` is false."""

    part: ReadyPart
    ok: bool
    code: str | None = None


class ReadyResponse(BaseModel):
    """Whether questions can be answered now, with the state of each part."""

    ready: bool
    parts: list[ReadyPartOut]


def read_health(services: Services) -> HealthResponse:
    """Read the live generation from the store and the names of the models. Raises StoreError."""
    first = next(iter(services.knowledge_bases.values()), None)  # the default one, if the caller may ask it
    live = first.store.live() if first else None
    return HealthResponse(
        status="ok" if live else "empty",
        generation=live.generation if live else 0,
        root=shown(live.root) if live else "",
        documents=live.documents if live else 0,
        chunks=live.chunks if live else 0,
        embedder=shown(services.embedder.name),
        chat=services.chat.name if services.chat else EXTRACTIVE,
        version=version(),
        state=_state_of(services),
    )


def _state_of(services: Services) -> Literal["ok", "unavailable"]:
    try:
        services.state.check()
    except StateUnavailable:
        return "unavailable"
    return "ok"


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
            "version": "0.2.0",
            "state": "ok",
        },
        errors=("store",),
    ),
)
