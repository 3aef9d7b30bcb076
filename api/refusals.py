"""Requests that are refused before their route is reached, in the words of the protocol that their path speaks."""

import math

from starlette.responses import JSONResponse

from api.error_shapes import error_answer
from api.errors import code_of, status_of
from rag.errors import RequestRefused, ScopeMissing, ZhiwenError

_SOON_SECONDS = 1.0


def refusal(error: ZhiwenError, path: str) -> JSONResponse:
    """The answer, and in its headers what the client can do about it."""
    response = error_answer(path, status_of(error), code_of(error), str(error))
    response.headers.update(_headers(error, response.status_code))
    return response


def _headers(error: ZhiwenError, status: int) -> dict[str, str]:
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="{code_of(error)}"'
    if isinstance(error, ScopeMissing):
        headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="insufficient_scope", scope="{error.scope}"'
    wait = error.retry_after_seconds if isinstance(error, RequestRefused) else 0.0
    if status == 503:
        headers["Connection"] = "close"
        wait = _SOON_SECONDS
    if wait:
        headers["Retry-After"] = str(math.ceil(wait))
    return headers
