"""The backends of the MCP tools: the services of a server, or the service that runs commands."""

import asyncio
import threading
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from api.mcp.knowledge_bases import split_id
from api.public_urls import base_url, below, is_absolute
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.schemas.request_model import EmptyRequest
from api.service.ask import AskRequest, AskResponse
from api.service.document_lines import GREP, LINES, GrepRequest, GrepResponse, LinesRequest, LinesResponse
from api.service.documents import DOCUMENTS, DocumentList
from api.service.factory import open_service
from api.service.knowledge_bases import KNOWLEDGE_BASES, KnowledgeBaseList
from api.service.permitted import knowledge_base_if_unnamed, permitted, permitted_several
from api.service.protocol import Service
from api.service.read_text import TEXT, TextRequest, TextResponse
from api.service.search import SEARCH, SearchRequest, SearchResponse
from rag.answering.answer import final_answer
from rag.blocking_work import run_blocking
from rag.knowledge_base_names import DEFAULT
from rag.settings import Settings
from rag.wiring import Services

Response = TypeVar("Response", SearchResponse, TextResponse, AskResponse, DocumentList, GrepResponse, LinesResponse)
Result = TypeVar("Result")


class ServerBackend:
    """Answers the calls of clients that are connected to a server over HTTP. A `ToolBackend`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def search(self, query: str, knowledge_base: str, connection: Any) -> SearchResponse:
        """Search in a thread, because a search blocks."""
        request = SearchRequest(question=query, knowledge_base=self._named(knowledge_base))
        found = await run_blocking(SEARCH.run_for, self._services, request)
        return below(found, self._base(connection))

    async def read(self, name: str, knowledge_base: str, connection: Any) -> TextResponse:
        """Read in a thread, because the store blocks."""
        request = _text_request(name, self._named(knowledge_base), permitted(self._services).knowledge_bases)
        text = await run_blocking(TEXT.run_for, self._services, request)
        return below(text, self._base(connection))

    async def ask(self, question: str, knowledge_base: str, connection: Any) -> AskResponse:
        """Answer; if the client cancels the call, the call of the chat model is cancelled too."""
        answerer = permitted_several(self._services, [self._named(knowledge_base)]).answerer
        answer = await final_answer(answerer.answer(question))
        return below(AskResponse.of(answer), self._base(connection))

    async def knowledge_bases(self) -> KnowledgeBaseList:
        """Read in a thread, because the store blocks."""
        return await run_blocking(KNOWLEDGE_BASES.run_for, self._services, EmptyRequest())

    async def documents(self, knowledge_base: str, connection: Any) -> DocumentList:
        """List in a thread, because the store blocks."""
        request = KnowledgeBaseRequest(knowledge_base=self._named(knowledge_base))
        listed = await run_blocking(DOCUMENTS.run_for, self._services, request)
        return below(listed, self._base(connection))

    async def grep(self, request: GrepRequest, connection: Any) -> GrepResponse:
        """Look in a thread, because the store blocks."""
        request = request.model_copy(update={"knowledge_base": self._named(request.knowledge_base)})
        found = await run_blocking(GREP.run_for, self._services, request)
        return below(found, self._base(connection))

    async def lines(self, request: LinesRequest, connection: Any) -> LinesResponse:
        """Read in a thread, because the store blocks."""
        known = permitted(self._services).knowledge_bases
        request = _with_split_id(request, self._named(request.knowledge_base), known)
        found = await run_blocking(LINES.run_for, self._services, request)
        return below(found, self._base(connection))

    def _named(self, knowledge_base: str) -> str:
        """Return the knowledge base that a client means: the default value of an argument names none."""
        return knowledge_base_if_unnamed(self._services) if knowledge_base == DEFAULT else knowledge_base

    def _base(self, connection: HTTPConnection | None) -> str:
        return "" if connection is None else base_url(self._services.settings.serve, connection)


class CommandBackend:
    """Answers the calls of a client that started `zhiwen mcp`. A `ToolBackend`.

    Such a process may run for days, so it opens the store only during a call: in between, a server can start or stop
    and an ingest can run.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()

    async def search(self, query: str, knowledge_base: str, connection: Any) -> SearchResponse:
        """Search through a running server, or in this process."""
        request = SearchRequest(question=query, knowledge_base=knowledge_base)
        return await self._located(lambda service: service.call(SEARCH, request))

    async def read(self, name: str, knowledge_base: str, connection: Any) -> TextResponse:
        """Read through a running server, or in this process."""
        request = _text_request(name, knowledge_base, self._settings.knowledge_base_names)
        return await self._located(lambda service: service.call(TEXT, request))

    async def ask(self, question: str, knowledge_base: str, connection: Any) -> AskResponse:
        """Answer through a running server, or in this process."""
        request = AskRequest(question=question, knowledge_base=knowledge_base)
        return await self._located(lambda service: service.ask(request, on_text=lambda piece: None))

    async def knowledge_bases(self) -> KnowledgeBaseList:
        """List those of a running server, or of this process."""
        return await self._run(lambda service: service.call(KNOWLEDGE_BASES, EmptyRequest()))

    async def documents(self, knowledge_base: str, connection: Any) -> DocumentList:
        """List through a running server, or in this process."""
        request = KnowledgeBaseRequest(knowledge_base=knowledge_base)
        return await self._located(lambda service: service.call(DOCUMENTS, request))

    async def grep(self, request: GrepRequest, connection: Any) -> GrepResponse:
        """Look through a running server, or in this process."""
        return await self._located(lambda service: service.call(GREP, request))

    async def lines(self, request: LinesRequest, connection: Any) -> LinesResponse:
        """Read through a running server, or in this process."""
        split = _with_split_id(request, request.knowledge_base, self._settings.knowledge_base_names)
        return await self._located(lambda service: service.call(LINES, split))

    async def _located(self, work: Callable[[Service], Response]) -> Response:
        return await self._run(lambda service: self._with_addresses(service, work(service)))

    async def _run(self, work: Callable[[Service], Result]) -> Result:
        return await asyncio.to_thread(self._run_blocking, work)

    def _run_blocking(self, work: Callable[[Service], Result]) -> Result:
        with self._lock, open_service(self._settings) as service:
            return work(service)

    def _with_addresses(self, service: Service, response: Response) -> Response:
        if base := self._settings.serve.public_url.rstrip("/") or service.url:
            return below(response, base)
        # Without a server that shows the documents, links lead to the files.
        root = cache(lambda knowledge_base: Path(service.root(knowledge_base)))
        return _with_files(
            response,
            lambda knowledge_base, source, url: url if is_absolute(url) else (root(knowledge_base) / source).as_uri(),
        )


def _text_request(name: str, knowledge_base: str, knowledge_bases: Collection[str]) -> TextRequest:
    plain, named = split_id(name, knowledge_base, knowledge_bases)
    return TextRequest(id=plain, knowledge_base=named)


def _with_split_id(request: LinesRequest, knowledge_base: str, knowledge_bases: Collection[str]) -> LinesRequest:
    plain, named = split_id(request.source, knowledge_base, knowledge_bases)
    return request.model_copy(update={"source": plain, "knowledge_base": named})


def _with_files(response: Response, locate: Callable[[str, str, str], str]) -> Response:
    """Return a copy in which `locate` maps the knowledge base, the source and the address of each passage."""
    match response:
        case SearchResponse():
            hits = [
                hit.model_copy(update={"url": locate(hit.knowledge_base, hit.source, hit.url)}) for hit in response.hits
            ]
            return response.model_copy(update={"hits": hits})
        case DocumentList():
            documents = [
                each.model_copy(update={"url": locate(response.knowledge_base, each.source, each.url)})
                for each in response.documents
            ]
            return response.model_copy(update={"documents": documents})
        case GrepResponse():
            lines = [
                line.model_copy(update={"url": locate(response.knowledge_base, line.source, line.url)})
                for line in response.lines
            ]
            return response.model_copy(update={"lines": lines})
        case TextResponse() | LinesResponse():
            return response.model_copy(update={"url": locate(response.knowledge_base, response.source, response.url)})
        case AskResponse():
            citations = [
                citation.model_copy(update={"url": locate(citation.knowledge_base, citation.source, citation.url)})
                for citation in response.citations
            ]
            return response.model_copy(update={"citations": citations})
