"""What a use case is: one request, one response, declared once for every surface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from rag.wiring import Services

RequestT = TypeVar("RequestT", bound=BaseModel)
ResponseT = TypeVar("ResponseT", bound=BaseModel)

Scope = Literal["ask", "ingest", "admin", "metrics"]
"""What an API key opens."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example for the OpenAPI document.

    `response` is the JSON of a success; `stream` and `text` stand for other media types. `parameters` are examples of
    path and query parameters. `errors` are groups of `api.http.openapi.errors`.
    """

    request: Any = None
    response: Any = None
    stream: str | None = None
    text: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation(Generic[RequestT, ResponseT]):
    """A use case with one request and one response.

    The HTTP route, its access rule, its entry in the OpenAPI document and the call of a running server by the command
    line all follow from it. `run` carries it out and blocks; it raises the errors of `rag.errors`. The fields of a GET
    request are path and query parameters, those of a POST request its JSON body. An operation that `is_answer` takes
    one of the places that `serve.max_concurrent_answers` allows.
    """

    name: str
    description: str
    method: Literal["GET", "POST"]
    path: str
    request: type[RequestT]
    response: type[ResponseT]
    run: Callable[[Services, RequestT], ResponseT]
    scope: Scope
    tag: Literal["ask", "ingest", "service"]
    status: int = 200
    is_answer: bool = False
    in_document: bool = True
    example: Example = Example()
