"""Errors as JSON."""

from pydantic import BaseModel


class ErrorBody(BaseModel):
    """`code` is for programs, `message` for people."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """The one shape of every error of our own API."""

    error: ErrorBody
