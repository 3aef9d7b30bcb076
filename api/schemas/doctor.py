"""The checks of an installation, as JSON."""

from typing import Literal

from pydantic import BaseModel

DoctorPart = Literal["configuration", "knowledge", "store", "embedder", "chat"]


class CheckOut(BaseModel):
    """A check of one part. `ok` is null if the part was not checked; `code` and `remedy` are set if it is false."""

    part: DoctorPart
    ok: bool | None
    message: str
    code: str | None = None
    remedy: str = ""


class DoctorResponse(BaseModel):
    """All checks. `ok` is false if any of them failed."""

    ok: bool
    checks: list[CheckOut]
