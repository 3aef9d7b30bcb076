"""Where the tools of MCP find what they return: in the parts of this server, or wherever commands are carried out."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from api.public_urls import absolute, base_url
from api.schemas.questions import AskRequest, AskResponse, SearchRequest, SearchResponse
from api.schemas.text import TextResponse, run_read
from api.service.factory import open_service
from api.service.local import run_search
from api.service.protocol import Service
from rag.answering.answer import answer, final_answer
from rag.settings import Settings
from rag.wiring import Parts

Response = TypeVar("Response", SearchResponse, TextResponse, AskResponse)
Locate = Callable[[str, str], str]
"""Source and path of a passage to its absolute address."""


class ServerBackend:
    """Of a server, for those who call it over HTTP."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def search(self, query: str, connection: Any) -> SearchResponse:
        found = await asyncio.to_thread(run_search, self._parts, SearchRequest(question=query))
        return located(found, self._locate(connection))

    async def read(self, name: str, connection: Any) -> TextResponse:
        return located(await asyncio.to_thread(run_read, self._parts.store, name), self._locate(connection))

    async def ask(self, question: str, connection: Any) -> AskResponse:
        # A call that is cancelled ends here, and with it the one to the chat model.
        return located(AskResponse.of(await final_answer(answer(question, self._parts))), self._locate(connection))

    def _locate(self, connection: HTTPConnection) -> Locate:
        base = base_url(self._parts.settings, connection)
        return lambda source, path: absolute(path, base)


class CommandBackend:
    """Of a process beside a client, which may run for days: the store is open only while a call is answered.

    So a server can be started and stopped meanwhile, and an ingest can run.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_at_a_time = threading.Lock()

    async def search(self, query: str, connection: Any) -> SearchResponse:
        return await self._carried_out(lambda backend: backend.search(SearchRequest(question=query)))

    async def read(self, name: str, connection: Any) -> TextResponse:
        return await self._carried_out(lambda backend: backend.read(name))

    async def ask(self, question: str, connection: Any) -> AskResponse:
        request = AskRequest(question=question)
        return await self._carried_out(lambda backend: backend.ask(request, on_text=lambda piece: None))

    async def _carried_out(self, work: Callable[[Service], Response]) -> Response:
        return await asyncio.to_thread(self._carry_out, work)

    def _carry_out(self, work: Callable[[Service], Response]) -> Response:
        with self._one_at_a_time, open_service(self._settings) as backend:
            return located(work(backend), self._locate(backend))

    def _locate(self, backend: Service) -> Locate:
        base = self._settings.serve.public_url.rstrip("/") or backend.url
        if base:
            return lambda source, path: absolute(path, base)
        # Nobody serves the documents, so they are where they are.
        root = Path(backend.root())
        return lambda source, path: (root / source).as_uri()


def located(response: Response, locate: Locate) -> Response:
    """The response with absolute addresses."""
    match response:
        case SearchResponse():
            hits = [hit.model_copy(update={"url": locate(hit.source, hit.url)}) for hit in response.hits]
            return response.model_copy(update={"hits": hits})
        case TextResponse():
            return response.model_copy(update={"url": locate(response.source, response.url)})
        case AskResponse():
            citations = [
                citation.model_copy(update={"url": locate(citation.source, citation.url)})
                for citation in response.citations
            ]
            return response.model_copy(update={"citations": citations})
