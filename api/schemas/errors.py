"""Errors as JSON."""

from pydantic import BaseModel


class ErrorBody(BaseModel):
    """An error: `code` for programs, `message` for people."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """An error in the format of this API."""

    error: ErrorBody
