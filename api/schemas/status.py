"""What the service says of itself, over the wire: its state, its health, its settings, and what is wrong with them."""

from typing import Literal

from pydantic import BaseModel, JsonValue

from api.schemas.ingest import PlanOut


class StatusResponse(BaseModel):
    """What is live, and what the next ingest would do; `pending` is null if the folder is not there."""

    generation: int
    committed_at: str | None
    root: str
    documents: int
    chunks: int
    embedder: str
    store: str
    pending: PlanOut | None


class HealthResponse(BaseModel):
    status: Literal["ok", "empty"]
    generation: int
    root: str
    documents: int
    chunks: int
    embedder: str
    chat: str
    version: str


class LiveResponse(BaseModel):
    live: bool


ReadyPart = Literal["store", "embedder", "generation", "service"]


class ReadyPartOut(BaseModel):
    """`code` says what is wrong with a part that is not `ok`."""

    part: ReadyPart
    ok: bool
    code: str | None = None


class ReadyResponse(BaseModel):
    ready: bool
    parts: list[ReadyPartOut]


class SettingOut(BaseModel):
    """`value` is null for a secret; `set` says whether it has one. `origin` is `default`, a file or a variable."""

    name: str
    value: JsonValue
    origin: str
    secret: bool = False
    set: bool = True


class ConfigResponse(BaseModel):
    settings: list[SettingOut]


DoctorPart = Literal["configuration", "knowledge", "store", "embedder", "chat"]


class CheckOut(BaseModel):
    """`ok` is null for what could not be looked at; `code` and `remedy` are for what is wrong."""

    part: DoctorPart
    ok: bool | None
    message: str
    code: str | None = None
    remedy: str = ""


class DoctorResponse(BaseModel):
    ok: bool
    checks: list[CheckOut]
