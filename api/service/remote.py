"""The service of a running server, over its HTTP API."""

import json
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx2
from pydantic import BaseModel

from api.error_codes import error_from_code
from api.schemas.request_model import EmptyRequest
from api.service.ask import AskRequest, AskResponse
from api.service.health import HEALTH
from api.service.ingest import IngestRequest, IngestResponse, IngestState
from api.service.knowledge_bases import KNOWLEDGE_BASES
from api.service.operation import Operation, RequestT, ResponseT
from api.service.owner import Owner
from api.service.protocol import OnPlan, OnProgress, OnText
from rag.errors import StoreUnavailable, ZhiwenError
from rag.knowledge_base_names import DEFAULT

_POLL_SECONDS = 0.1
# An answer takes as long as the chat model; the server has its own deadlines.
_TIMEOUT = httpx2.Timeout(600, connect=5)


class RemoteService:
    """Runs the use cases through the server that owns the store. A context manager."""

    def __init__(self, owner: Owner) -> None:
        self._url = owner.url
        # Its addresses are those of the server itself, even if that is served below a path for others.
        headers = {"Authorization": f"Bearer {owner.token}", "X-Forwarded-Prefix": "/"}
        self._client = httpx2.Client(base_url=owner.url, headers=headers, timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> "RemoteService":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return self._url

    def root(self, knowledge_base: str = DEFAULT) -> str:
        """Return the folder of the live generation; "" before the first ingest."""
        if knowledge_base == DEFAULT:
            return self.call(HEALTH, EmptyRequest()).root
        return self.call(KNOWLEDGE_BASES, EmptyRequest()).of(knowledge_base).root

    def call(self, operation: Operation[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """Send the request to the route of the operation. Raises what the server reports, and StoreUnavailable."""
        values = _as_json(request)
        path = operation.path
        for name in list(values):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(str(values.pop(name)), safe=""))
        if operation.method == "GET":
            found = self._send("GET", path, parameters=values)
        else:
            found = self._send("POST", path, body=values)
        return operation.response.model_validate(found)

    def ask(self, request: AskRequest, *, on_text: OnText) -> AskResponse:
        """Stream the answer of `POST /ask`."""
        try:
            with self._client.stream("POST", "/ask", json=_as_json(request) | {"stream": True}) as response:
                if response.is_error:
                    response.read()
                    raise _error_of(response)
                for event, data in _events(response):
                    if event == "delta":
                        on_text(data["text"])
                    elif event == "error":
                        raise error_from_code(data["code"], data["message"], data.get("trace_id", ""))
                    elif event == "answer":
                        return AskResponse.model_validate(data)
        except httpx2.HTTPError as error:
            raise self._lost(error) from error
        raise ZhiwenError(f"the server {self._url} ended the stream without an answer")

    def ingest(self, request: IngestRequest, *, on_plan: OnPlan, on_progress: OnProgress) -> IngestResponse:
        """Start the ingest of the server and poll its state until it ends."""
        state = IngestState.model_validate(self._send("POST", "/ingest", body=_as_json(request)))
        run, has_plan, which = state.run, False, {"knowledge_base": request.knowledge_base}
        while state.running and state.run == run:
            if state.plan and not has_plan:
                on_plan(state.plan)
                has_plan = True
            if state.progress:
                on_progress(state.progress)
            time.sleep(_POLL_SECONDS)
            state = IngestState.model_validate(self._send("GET", "/ingest", parameters=which))
        if state.plan and not has_plan:
            on_plan(state.plan)
        if state.error:
            raise error_from_code(state.error.code, state.error.message)
        if state.last is None:
            raise ZhiwenError(f"the server {self._url} reports neither a running ingest nor the result of the last one")
        return state.last

    def _send(
        self, method: str, path: str, *, parameters: dict[str, Any] | None = None, body: dict[str, Any] | None = None
    ) -> Any:
        try:
            response = self._client.request(method, path, params=parameters, json=body)
        except httpx2.HTTPError as error:
            raise self._lost(error) from error
        if response.is_error:
            raise _error_of(response)
        return response.json()

    def _lost(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"lost the connection to the server {self._url} ({type(error).__name__}); try again")


def _as_json(request: BaseModel) -> dict[str, Any]:
    return request.model_dump(mode="json", by_alias=True, exclude_none=True)


def _error_of(response: httpx2.Response) -> ZhiwenError:
    try:
        error = response.json()["error"]
        return error_from_code(str(error["code"]), str(error["message"]), str(error.get("trace_id", "")))
    except (ValueError, KeyError, TypeError):
        return ZhiwenError(f"{response.url} returned status {response.status_code}")


def _events(response: httpx2.Response) -> Iterator[tuple[str, Any]]:
    event = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))
