"""The backends of the MCP tools: the services of a server, or the service that runs commands."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from api.public_urls import absolute, base_url, is_absolute
from api.schemas.request_model import EmptyRequest
from api.service.ask import AskRequest, AskResponse
from api.service.document_lines import GREP, LINES, GrepRequest, GrepResponse, LinesRequest, LinesResponse
from api.service.documents import DOCUMENTS, DocumentList
from api.service.factory import open_service
from api.service.protocol import Service
from api.service.read_text import TEXT, TextRequest, TextResponse
from api.service.search import SEARCH, SearchRequest, SearchResponse
from rag.answering.answer import final_answer
from rag.blocking_work import run_blocking
from rag.settings import Settings
from rag.wiring import Services

Response = TypeVar("Response", SearchResponse, TextResponse, AskResponse, DocumentList, GrepResponse, LinesResponse)
Locate = Callable[[str, str], str]
"""Maps the source and the path of a passage to its absolute address."""


class ServerBackend:
    """Answers the calls of clients that are connected to a server over HTTP. A `ToolBackend`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def search(self, query: str, connection: Any) -> SearchResponse:
        """Search in a thread, because a search blocks."""
        found = await run_blocking(SEARCH.run, self._services, SearchRequest(question=query))
        return locate_response(found, self._locate(connection))

    async def read(self, name: str, connection: Any) -> TextResponse:
        """Read in a thread, because the store blocks."""
        text = await run_blocking(TEXT.run, self._services, TextRequest(id=name))
        return locate_response(text, self._locate(connection))

    async def ask(self, question: str, connection: Any) -> AskResponse:
        """Answer; if the client cancels the call, the call of the chat model is cancelled too."""
        answer = await final_answer(self._services.answerer.answer(question))
        return locate_response(AskResponse.of(answer), self._locate(connection))

    async def documents(self, connection: Any) -> DocumentList:
        """List in a thread, because the store blocks."""
        listed = await run_blocking(DOCUMENTS.run, self._services, EmptyRequest())
        return locate_response(listed, self._locate(connection))

    async def grep(self, request: GrepRequest, connection: Any) -> GrepResponse:
        """Look in a thread, because the store blocks."""
        found = await run_blocking(GREP.run, self._services, request)
        return locate_response(found, self._locate(connection))

    async def lines(self, request: LinesRequest, connection: Any) -> LinesResponse:
        """Read in a thread, because the store blocks."""
        found = await run_blocking(LINES.run, self._services, request)
        return locate_response(found, self._locate(connection))

    def _locate(self, connection: HTTPConnection | None) -> Locate:
        if connection is None:
            return lambda source, path: path
        base = base_url(self._services.settings.serve, connection)
        return lambda source, path: absolute(path, base)


class CommandBackend:
    """Answers the calls of a client that started `zhiwen mcp`. A `ToolBackend`.

    Such a process may run for days, so it opens the store only during a call: in between, a server can start or stop
    and an ingest can run.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()

    async def search(self, query: str, connection: Any) -> SearchResponse:
        """Search through a running server, or in this process."""
        return await self._run(lambda service: service.call(SEARCH, SearchRequest(question=query)))

    async def read(self, name: str, connection: Any) -> TextResponse:
        """Read through a running server, or in this process."""
        return await self._run(lambda service: service.call(TEXT, TextRequest(id=name)))

    async def ask(self, question: str, connection: Any) -> AskResponse:
        """Answer through a running server, or in this process."""
        request = AskRequest(question=question)
        return await self._run(lambda service: service.ask(request, on_text=lambda piece: None))

    async def documents(self, connection: Any) -> DocumentList:
        """List through a running server, or in this process."""
        return await self._run(lambda service: service.call(DOCUMENTS, EmptyRequest()))

    async def grep(self, request: GrepRequest, connection: Any) -> GrepResponse:
        """Look through a running server, or in this process."""
        return await self._run(lambda service: service.call(GREP, request))

    async def lines(self, request: LinesRequest, connection: Any) -> LinesResponse:
        """Read through a running server, or in this process."""
        return await self._run(lambda service: service.call(LINES, request))

    async def _run(self, work: Callable[[Service], Response]) -> Response:
        return await asyncio.to_thread(self._run_blocking, work)

    def _run_blocking(self, work: Callable[[Service], Response]) -> Response:
        with self._lock, open_service(self._settings) as service:
            return locate_response(work(service), self._locate(service))

    def _locate(self, service: Service) -> Locate:
        base = self._settings.serve.public_url.rstrip("/") or service.url
        if base:
            return lambda source, path: absolute(path, base)
        # Without a server that shows the documents, links lead to the files.
        root = Path(service.root())
        return lambda source, path: path if is_absolute(path) else (root / source).as_uri()


def locate_response(response: Response, locate: Locate) -> Response:
    """Return a copy of the response with absolute addresses."""
    match response:
        case SearchResponse():
            hits = [hit.model_copy(update={"url": locate(hit.source, hit.url)}) for hit in response.hits]
            return response.model_copy(update={"hits": hits})
        case DocumentList():
            documents = [each.model_copy(update={"url": locate(each.source, each.url)}) for each in response.documents]
            return response.model_copy(update={"documents": documents})
        case GrepResponse():
            lines = [line.model_copy(update={"url": locate(line.source, line.url)}) for line in response.lines]
            return response.model_copy(update={"lines": lines})
        case TextResponse() | LinesResponse():
            return response.model_copy(update={"url": locate(response.source, response.url)})
        case AskResponse():
            citations = [
                citation.model_copy(update={"url": locate(citation.source, citation.url)})
                for citation in response.citations
            ]
            return response.model_copy(update={"citations": citations})
