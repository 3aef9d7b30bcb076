"""How an error looks to the clients of each protocol: as an answer, and as the last event of a stream."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.dify.schemas import DifyError
from api.error_codes import error_code, http_status
from api.openai.schemas import OpenAIError, OpenAIErrorBody
from api.schemas.errors import ErrorBody, ErrorResponse
from rag.errors import RequestRefused, ScopeMissing, ZhiwenError


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the HTTP API means it, before it is put in the words of a protocol."""

    status: int
    code: str
    message: str
    trace_id: str = ""

    @classmethod
    def of(cls, error: ZhiwenError) -> "Problem":
        return cls(http_status(error), error_code(error), str(error), error.trace_id)


@dataclass(frozen=True, slots=True)
class ErrorFormat:
    """`body` is the JSON of an error, `event` what names it at the end of a stream that it broke off."""

    name: str
    body: Callable[[Problem], BaseModel]
    status: Callable[[Problem], int]
    event: str = ""

    def answer(self, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
        return JSONResponse(self._content(problem), status_code=self.status(problem), headers=headers)

    def last_event(self, error: ZhiwenError) -> bytes:
        """The end of a stream of server-sent events. Our own events do without the outermost braces."""
        body = self._content(Problem.of(error))
        name = f"event: {self.event}\n" if self.event else ""
        data = body["error"] if self.event else body
        return f"{name}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

    def _content(self, problem: Problem) -> dict[str, Any]:
        """The body, in which an answer that was broken off is told by the id of its trace."""
        body = self.body(problem).model_dump()
        if problem.trace_id and "error" in body:
            body["error"]["trace_id"] = problem.trace_id
        return body


def error_response(error: ZhiwenError, dialect: ErrorFormat) -> JSONResponse:
    """The answer to a request that is refused before it is looked at."""
    return dialect.answer(Problem.of(error), _headers(error))


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
    # Dify tells a wrong key by 403 alone.
    return 403 if problem.code in _DIFY_CODES else _known_status(problem)


def _known_status(problem: Problem) -> int:
    """The status; 422 is none that other protocols know."""
    return 400 if problem.status == 422 else problem.status


OWN = ErrorFormat("own", _own, lambda problem: problem.status, event="error")
"""The API's own."""

OPENAI = ErrorFormat("openai", _openai, _known_status)

DIFY = ErrorFormat("dify", _dify, _dify_status)
"""Of Dify's external knowledge bases."""
