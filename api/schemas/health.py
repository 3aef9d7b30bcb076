"""How the service is, as JSON."""

from typing import Literal

from pydantic import BaseModel


class HealthResponse(BaseModel):
    """`status` is `empty` before the first ingest."""

    status: Literal["ok", "empty"]
    generation: int
    root: str
    documents: int
    chunks: int
    embedder: str
    chat: str
    version: str


class LiveResponse(BaseModel):
    """The process runs and serves."""

    live: bool


ReadyPart = Literal["store", "embedder", "generation", "service"]


class ReadyPartOut(BaseModel):
    """`code` says what is wrong with a part that is not `ok`."""

    part: ReadyPart
    ok: bool
    code: str | None = None


class ReadyResponse(BaseModel):
    """Whether questions can be answered now, part by part."""

    ready: bool
    parts: list[ReadyPartOut]
