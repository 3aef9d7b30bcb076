"""Exceptions become HTTP responses, in the error format of the client's protocol."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.error_codes import error_code, http_status
from api.error_formats import Problem, retry_headers
from api.guard.route_rules import rule_of
from api.private_paths import shown
from api.schemas.error_bodies import ErrorBody
from rag.errors import ZhiwenError

log = logging.getLogger("zhiwen.api")


def add_error_handlers(app: FastAPI) -> None:
    """Turn each exception that a route raises into a response of one shape: `{"error": {"code", "message"}}`.

    A path of another protocol responds in that protocol's error format.
    """
    app.add_exception_handler(ZhiwenError, _on_zhiwen_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


def error_body(error: ZhiwenError) -> ErrorBody:
    """The error as a field of another body, such as the state of an ingest."""
    return ErrorBody(code=error_code(error), message=shown(str(error)))


async def _on_zhiwen_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ZhiwenError)  # noqa: S101  (registered for it)
    if http_status(error) >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return _response(request, Problem.of(error), retry_headers(error))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it)
    problems = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if part != "body")
        problems.append(f"{where}: {problem['msg']}" if where else str(problem["msg"]))
    return _response(request, Problem(422, "invalid_request", "; ".join(problems)))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for it)
    code = {404: "not_found", 405: "method_not_allowed", 408: "request_timeout", 413: "body_too_large"}.get(
        error.status_code, "http_error"
    )
    return _response(request, Problem(error.status_code, code, str(error.detail)), error.headers)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return _response(request, Problem(500, "internal", "internal error; see the server log"))


def _response(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return rule_of(request.method, request.url.path).error_format.response(problem, headers)
