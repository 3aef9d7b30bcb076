"""How an error looks in each protocol: as a response, and as the last event of a stream."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.error_codes import error_code, http_status
from api.private_paths import shown
from api.request_errors import RequestRefused, ScopeMissing
from api.schemas.error_bodies import DifyError, ErrorBody, ErrorResponse, OpenAIError, OpenAIErrorBody
from rag.errors import StoreEmpty, StoreUnavailable, ZhiwenError

_STORE_RETRY_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in the terms of our own API, before it is put into the format of a protocol."""

    status: int
    code: str
    message: str
    trace_id: str = ""

    @classmethod
    def of(cls, error: ZhiwenError) -> "Problem":
        """The problem that an error of the tree is for a client."""
        return cls(http_status(error), error_code(error), shown(str(error)), error.trace_id)


@dataclass(frozen=True, slots=True)
class ErrorFormat:
    """The error format of one protocol.

    `body` and `status` turn a problem into the JSON body and the HTTP status. `event` names the event that ends a
    broken stream; "" if the protocol does not name its events.
    """

    name: str
    body: Callable[[Problem], BaseModel]
    status: Callable[[Problem], int]
    event: str = ""

    def response(self, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """The problem as a whole response."""
        return JSONResponse(self._content(problem), status_code=self.status(problem), headers=headers)

    def last_event(self, error: ZhiwenError) -> bytes:
        """The error as the last server-sent event of a stream. Named events leave out the outer `{"error": …}`."""
        body = self._content(Problem.of(error))
        name = f"event: {self.event}\n" if self.event else ""
        data = body["error"] if self.event else body
        return f"{name}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

    def _content(self, problem: Problem) -> dict[str, Any]:
        """The JSON body, with the id of the trace if the error broke off an answer."""
        body = self.body(problem).model_dump()
        if problem.trace_id and "error" in body:
            body["error"]["trace_id"] = problem.trace_id
        return body


def error_response(error: ZhiwenError, error_format: ErrorFormat) -> JSONResponse:
    """The response to a refused request, with `WWW-Authenticate` and `Retry-After` where they apply."""
    return error_format.response(Problem.of(error), _headers(error))


def retry_headers(error: ZhiwenError) -> dict[str, str]:
    """The header `Retry-After` of an error that passes by itself: the store is late, or its first ingest runs."""
    return {"Retry-After": _STORE_RETRY_SECONDS} if isinstance(error, StoreUnavailable | StoreEmpty) else {}


def _headers(error: ZhiwenError) -> dict[str, str]:
    headers = {}
    match http_status(error):
        case 401:
            headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="{error_code(error)}"'
        case 403 if isinstance(error, ScopeMissing):
            headers["WWW-Authenticate"] = f'Bearer realm="zhiwen", error="insufficient_scope", scope="{error.scope}"'
        case 503:
            headers |= {"Connection": "close", "Retry-After": "1"}
    if isinstance(error, RequestRefused) and error.retry_after_seconds:
        headers["Retry-After"] = str(max(1, round(error.retry_after_seconds + 0.5)))
    return headers


def _own(problem: Problem) -> ErrorResponse:
    return ErrorResponse(error=ErrorBody(code=problem.code, message=problem.message))


def _openai(problem: Problem) -> OpenAIError:
    kind = "server_error" if problem.status >= 500 else _OPENAI_TYPES.get(problem.status, "invalid_request_error")
    return OpenAIError(error=OpenAIErrorBody(message=problem.message, type=kind, code=problem.code))


_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def _dify(problem: Problem) -> DifyError:
    code = _DIFY_CODES.get(problem.code, _known_status(problem))
    return DifyError(error_code=code, error_msg=problem.message)


_DIFY_CODES = {"key_missing": 1001, "key_unknown": 1002, "scope_missing": 1002}


def _dify_status(problem: Problem) -> int:
    # Dify recognises a wrong key by status 403 only.
    return 403 if problem.code in _DIFY_CODES else _known_status(problem)


def _known_status(problem: Problem) -> int:
    """The status, with 400 for 422, which clients of other protocols do not know."""
    return 400 if problem.status == 422 else problem.status


OWN = ErrorFormat("own", _own, lambda problem: problem.status, event="error")
"""Our own API."""

OPENAI = ErrorFormat("openai", _openai, _known_status)
"""OpenAI's API."""

DIFY = ErrorFormat("dify", _dify, _dify_status)
"""Dify's external knowledge bases."""
