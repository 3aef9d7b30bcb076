"""A use case with one request and one response, declared once for the command line, HTTP and OpenAPI."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from api.schemas.knowledge_base import KnowledgeBaseRequest, KnowledgeBasesRequest
from api.service.permitted import permitted, permitted_one, permitted_several
from rag.wiring import Services

RequestT = TypeVar("RequestT", bound=BaseModel)
ResponseT = TypeVar("ResponseT", bound=BaseModel)

Scope = Literal["ask", "ingest", "admin", "metrics"]
"""What an API key may do; `api.guard.route_rules` says which scope includes which."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example call for the OpenAPI document.

    `request` is the JSON body. `response` is the JSON of a success; `stream`, `text` and `html` are examples for the
    media types `text/event-stream`, `text/plain` and `text/html`. `parameters` are path and query parameters. `errors`
    names groups of `api.http.openapi.errors`.
    """

    request: Any = None
    response: Any = None
    stream: str | None = None
    text: str | None = None
    html: str | None = None
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation(Generic[RequestT, ResponseT]):
    """A use case with one request and one response.

    The HTTP route, its access rule, its entry in the OpenAPI document and the request that the command line sends to a
    running server follow from it.

    `run` does the work, blocks the thread, and raises the errors of `rag.errors`; `run_for` runs it for the knowledge
    base that the request names. The fields of a GET request are path and query parameters, the fields of a POST request
    are its JSON body. `scope` is what an API key needs. If `is_answer` is set, the operation counts towards
    `serve.max_concurrent_answers`. If `in_document` is not set, the OpenAPI document leaves the operation out.
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

    def run_for(self, services: Services, request: RequestT) -> ResponseT:
        """Run for the knowledge base that the request names, if the caller may ask it.

        Raises as `run`, and KnowledgeBaseNotFound.
        """
        return self.run(services_for(services, request), request)


def services_for(services: Services, request: BaseModel) -> Services:
    """Return the services of the knowledge base or knowledge bases that a request names.

    Raises KnowledgeBaseNotFound if there is no such knowledge base, or the caller may not ask it.
    """
    if isinstance(request, KnowledgeBasesRequest):
        return permitted_several(services, request.knowledge_bases)
    if isinstance(request, KnowledgeBaseRequest):
        return permitted_one(services, request.knowledge_base)
    return permitted(services)
