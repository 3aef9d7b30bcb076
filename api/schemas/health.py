"""The health of the service, as JSON."""

from typing import Literal

from pydantic import BaseModel


class HealthResponse(BaseModel):
    """The live generation and the models. `status` is `empty` before the first ingest."""

    status: Literal["ok", "empty"]
    generation: int
    root: str
    documents: int
    chunks: int
    embedder: str
    chat: str
    version: str


class LiveResponse(BaseModel):
    """`live` is always true: a dead process gives no response."""

    live: bool


ReadyPart = Literal["store", "embedder", "generation", "service"]


class ReadyPartOut(BaseModel):
    """A part that an answer needs. `code` is an error code if `ok` is false."""

    part: ReadyPart
    ok: bool
    code: str | None = None


class ReadyResponse(BaseModel):
    """Whether questions can be answered now, with the state of each part."""

    ready: bool
    parts: list[ReadyPartOut]
