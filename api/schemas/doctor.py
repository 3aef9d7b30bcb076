"""What is wrong with an installation, as JSON."""

from typing import Literal

from pydantic import BaseModel

DoctorPart = Literal["configuration", "knowledge", "store", "embedder", "chat"]


class CheckOut(BaseModel):
    """`ok` is null if the part could not be checked. `code` and `remedy` are set if something is wrong."""

    part: DoctorPart
    ok: bool | None
    message: str
    code: str | None = None
    remedy: str = ""


class DoctorResponse(BaseModel):
    """Every part with its check."""

    ok: bool
    checks: list[CheckOut]
