"""The JSON of an error in the words of the protocol that its path speaks: ours, OpenAI's or Dify's."""

import re

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.schemas import ErrorBody, ErrorResponse

_OPENAI = re.compile(r"/v1(?:/.*)?|/models(?:/.*)?|/chat/completions", re.DOTALL)
_DIFY = re.compile(r"/retrieval")


class OpenAIErrorBody(BaseModel):
    """`code` is that of the HTTP API; `type` tells whose fault it is."""

    message: str
    type: str
    code: str


class OpenAIError(BaseModel):
    error: OpenAIErrorBody


class DifyError(BaseModel):
    """`error_code` is one of Dify's own, 1001, 1002 or 2001, or else the HTTP status."""

    error_code: int
    error_msg: str


def error_answer(path: str, status: int, code: str, message: str) -> JSONResponse:
    """An error of the HTTP API as a client of this path reads it."""
    if _OPENAI.fullmatch(path):
        status = 400 if status == 422 else status  # which OpenAI does not know
        return JSONResponse(openai_error(status, code, message).model_dump(), status_code=status)
    if _DIFY.fullmatch(path):
        status = 403 if code in _DIFY_CODES else 400 if status == 422 else status
        body = DifyError(error_code=_DIFY_CODES.get(code, status), error_msg=message)
        return JSONResponse(body.model_dump(), status_code=status)
    return JSONResponse(ErrorResponse(error=ErrorBody(code=code, message=message)).model_dump(), status_code=status)


def last_event(path: str, code: str, message: str, status: int) -> bytes:
    """What ends a stream of server-sent events that the service breaks off."""
    if _OPENAI.fullmatch(path):
        return f"data: {openai_error(status, code, message).model_dump_json()}\n\n".encode()
    return f"event: error\ndata: {ErrorBody(code=code, message=message).model_dump_json()}\n\n".encode()


def openai_error(status: int, code: str, message: str) -> OpenAIError:
    return OpenAIError(error=OpenAIErrorBody(message=message, type=_openai_type(status), code=code))


def _openai_type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return _OPENAI_TYPES.get(status, "invalid_request_error")


_DIFY_CODES = {"key_missing": 1001, "key_unknown": 1002, "scope_missing": 1002}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
