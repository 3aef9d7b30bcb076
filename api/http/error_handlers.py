"""Exceptions become HTTP responses, in the error format of the client's protocol."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.error_codes import http_status
from api.error_formats import Problem, retry_headers
from api.guard.no_such_route import about_path
from api.guard.route_rules import methods_of, rule_of
from api.public_urls import prefix_of
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


async def _on_zhiwen_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ZhiwenError)  # noqa: S101  (registered for it)
    if http_status(error) >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return _response(request, Problem.of(error), retry_headers(error))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it)
    if isinstance(error.body, bytes):
        return _response(request, Problem(422, "invalid_request", _about_type(request)))
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
    message = str(error.detail)
    path = _path(request)
    if error.status_code == 404 and not methods_of(path):
        message = about_path(path)
    if error.status_code == 400 and error.__cause__:
        message = _about_encoding(request, error.__cause__)
    return _response(request, Problem(error.status_code, code, message), error.headers)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return _response(request, Problem(500, "internal", "internal error; see the server log"))


def _response(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return rule_of(request.method, _path(request)).error_format.response(problem, headers)


def _path(request: Request) -> str:
    """The path of the route, without the prefix of a proxy."""
    return request.url.path.removeprefix(prefix_of(request))


def _about_type(request: Request) -> str:
    sent = request.headers.get("content-type", "")
    return f"the body is {sent}; send JSON, with the header `Content-Type: application/json`"


def _about_encoding(request: Request, cause: BaseException) -> str:
    """What is wrong with a body that cannot even be read as JSON."""
    if encoding := request.headers.get("content-encoding", ""):
        return f"the body is compressed (Content-Encoding: {encoding}); send it as it is"
    if isinstance(cause, UnicodeDecodeError):
        return (
            "the body is not UTF-8; a Windows command line sends another encoding, so put the JSON into a file in UTF-8"
        )
    if isinstance(cause, RecursionError):
        return "the body is nested too deeply"
    return "the body cannot be read as JSON"
