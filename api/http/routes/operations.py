"""The routes of the operations in `api.service.operations`."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from inspect import Parameter
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel

from api.cancel_on_disconnect import CLIENT_GONE, unless_gone
from api.public_urls import below, prefix_of
from api.schemas.error_bodies import ERRORS
from api.service.operation import Operation
from api.service.operations import OPERATIONS
from rag.blocking_work import run_blocking
from rag.wiring import Services

_BODY = "request"
_CONNECTION = "connection"


def add_operations(app: FastAPI, services: Services, operations: Sequence[Operation[Any, Any]] = OPERATIONS) -> None:
    """Add one route for each operation.

    The handlers block. Those that answer a question run in the threads for answers, and end if the client leaves.
    FastAPI runs the others in threads of its own, so that they do not wait for answers.
    """
    for operation in operations:
        app.add_api_route(
            operation.path,
            (_answer_handler if operation.is_answer else _handler)(operation, services),
            methods=[operation.method],
            status_code=operation.status,
            responses=ERRORS,
            tags=[operation.tag],
            include_in_schema=operation.in_document,
        )


def _handler(operation: Operation[Any, Any], services: Services) -> Callable[..., Response]:
    """Return a function whose signature tells FastAPI the parameters and the response of the route."""

    def handle(connection: Request, **values: Any) -> Response:
        body = values.pop(_BODY, None)
        response: BaseModel = operation.run_for(services, body or operation.request(**values))
        # FastAPI would change threads once more, and serialise the response on the event loop.
        content = below(response, prefix_of(connection)).model_dump_json(by_alias=True)
        return Response(content, status_code=operation.status, media_type="application/json")

    _describe(handle, operation)
    return handle


def _answer_handler(operation: Operation[Any, Any], services: Services) -> Callable[..., Awaitable[Response]]:
    """Return the same function as a coroutine function, for an operation that answers."""
    blocking = _handler(operation, services)

    async def handle(connection: Request, **values: Any) -> Response:
        response = await unless_gone(connection, run_blocking(blocking, connection, **values))
        return Response(status_code=CLIENT_GONE) if response is None else response

    _describe(handle, operation)
    return handle


def _describe(handle: Callable[..., Any], operation: Operation[Any, Any]) -> None:
    handle.__name__ = operation.name
    handle.__doc__ = operation.description
    parameters = [_parameter(_CONNECTION, Request), *_parameters(operation)]
    signature = inspect.Signature(parameters, return_annotation=operation.response)
    handle.__signature__ = signature  # type: ignore[attr-defined]


def _parameters(operation: Operation[Any, Any]) -> Iterator[Parameter]:
    """Yield the body of a POST request, optional if no field is required, or one parameter for each field of a GET."""
    fields = operation.request.model_fields
    if operation.method == "GET":
        for name, field in fields.items():
            location: Any = Path if f"{{{name}}}" in operation.path else Query
            details = location(description=field.description, examples=field.examples)
            default = Parameter.empty if field.is_required() else field.default
            yield _parameter(name, Annotated[(field.annotation, *field.metadata, details)], default)
    elif any(field.is_required() for field in fields.values()):
        yield _parameter(_BODY, operation.request)
    elif fields:
        yield _parameter(_BODY, operation.request | None, None)


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
