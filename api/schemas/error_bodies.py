"""The bodies of errors: ours, OpenAI's and Dify's. `--json` prints ours."""

from typing import Any

from pydantic import BaseModel


class ErrorBody(BaseModel):
    """`code` is for programs and stays the same between versions; `message` is one line for a person."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """An error of our own API."""

    error: ErrorBody


class OpenAIErrorBody(BaseModel):
    """`code` is that of the HTTP API; `type` tells whose fault it is."""

    message: str
    type: str
    code: str


class OpenAIError(BaseModel):
    """An error in the format of OpenAI's API."""

    error: OpenAIErrorBody


class DifyError(BaseModel):
    """`error_code` is one of Dify's own (1001 no or a malformed header, 1002 a key that does not open this, 2001 an
    unknown knowledge base), or else the HTTP status."""

    error_code: int
    error_msg: str


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorResponse, "description": "The request cannot be served as it is."},
    "5XX": {"model": ErrorResponse, "description": "The store, the embedder or the chat model failed."},
}
"""The error responses that the OpenAPI document lists for each operation of our own API."""
