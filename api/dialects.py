"""How a refusal looks to the clients of each protocol: as an answer, and as the last event of a stream."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from api.errors import code_of, status_of
from rag.errors import RequestRefused, ScopeMissing, ZhiwenError


@dataclass(frozen=True, slots=True)
class Dialect:
    """`body` is the JSON of an error. `last_event` is what ends a stream of server-sent events that it broke off."""

    body: Callable[[ZhiwenError], dict[str, Any]]
    last_event: Callable[[ZhiwenError], bytes]
    status: Callable[[ZhiwenError], int] = status_of


def refusal(error: ZhiwenError, dialect: Dialect) -> JSONResponse:
    """The answer to a request that is refused before it is looked at."""
    return JSONResponse(dialect.body(error), status_code=dialect.status(error), headers=_headers(error))


def _headers(error: ZhiwenError) -> dict[str, str]:
    headers = {}
    match status_of(error):
        case 401:
            headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="{code_of(error)}"'
        case 403 if isinstance(error, ScopeMissing):
            headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="insufficient_scope", scope="{error.scope}"'
        case 503:
            headers |= {"Connection": "close", "Retry-After": "1"}
    if isinstance(error, RequestRefused) and error.retry_after_seconds:
        headers["Retry-After"] = str(max(1, round(error.retry_after_seconds + 0.5)))
    return headers


def _own(error: ZhiwenError) -> dict[str, Any]:
    return {"code": code_of(error), "message": str(error)}


def _frame(data: dict[str, Any], event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _openai(error: ZhiwenError) -> dict[str, Any]:
    kind = "server_error" if status_of(error) >= 500 else "invalid_request_error"
    return {"error": {"message": str(error), "type": kind, "code": code_of(error)}}


OWN = Dialect(body=lambda error: {"error": _own(error)}, last_event=lambda error: _frame(_own(error), "error"))
"""The API's own."""

OPENAI = Dialect(body=_openai, last_event=lambda error: _frame(_openai(error)))
