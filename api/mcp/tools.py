"""The MCP tools: search, fetch and ask. The first two have the form that deep research clients expect."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from api.mcp.knowledge_bases import KnowledgeBaseResults, WhichKnowledgeBase, id_for_client
from api.private_paths import shown
from api.service.ask import AskResponse, CitationOut
from api.service.knowledge_bases import KnowledgeBaseList
from api.service.read_text import TextResponse
from api.service.search import SearchResponse
from api.translations import say
from api.version import version
from rag.errors import ZhiwenError
from rag.knowledge_base_names import DEFAULT
from rag.text.language import detect_language
from rag.types import PATH_SEPARATOR, AnswerReason, MetadataValue


class ToolBackend(Protocol):
    """Does the work of the tools. All addresses in its results are absolute.

    `connection` is the HTTP request of the call, None over stdio. Raises the errors of `rag.errors`.
    """

    async def search(self, query: str, knowledge_base: str, connection: Any) -> SearchResponse:
        """Return the passages that match the query best."""
        ...

    async def read(self, name: str, connection: Any) -> TextResponse:
        """Return the passage or document with this id. Raises TextNotFound."""
        ...

    async def ask(self, question: str, knowledge_base: str, connection: Any) -> AskResponse:
        """Return the answer to a question."""
        ...

    async def knowledge_bases(self) -> KnowledgeBaseList:
        """Return the knowledge bases."""
        ...


class SearchResult(BaseModel):
    """A section with a passage that matches. `id` is for `fetch`."""

    id: str
    title: str
    url: str


class SearchResults(BaseModel):
    """The sections, best first."""

    results: list[SearchResult]


class FetchResult(BaseModel):
    """The text of a section or document. `metadata` has its front matter and its place."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, MetadataValue]


class Source(BaseModel):
    """A passage that the answer cites as `[number]`."""

    number: int
    title: str
    url: str
    quote: str


class AskResult(BaseModel):
    """An answer or a refusal. `unverified` lists the sentences that their cited passages do not support.

    `reason` says why it is refused; `small_talk` is a greeting or thanks, which needs no documents.
    """

    answer: str
    refused: bool
    reason: AnswerReason | None = None
    sources: list[Source]
    unverified: list[str]


_READS_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "A knowledge base of documents. Use `ask` to get a cited answer to a question in natural language, or `search` to "
    "find passages and `fetch` to read them. Cite the returned urls. "
    "文档知识库：提问用 ask，查找段落用 search，读全文用 fetch；引用时附上返回的链接。"
)


def mcp_server(backend: ToolBackend) -> MCPServer:
    """Return an MCP server with the tools, for any transport."""
    server = MCPServer(
        "zhiwen",
        title="知问 zhiwen",
        instructions=_INSTRUCTIONS,
        version=version(),
        log_level="WARNING",
        subscriptions=False,
    )
    _add_tools(server, backend)
    return server


def _add_tools(server: MCPServer, backend: ToolBackend) -> None:
    @server.tool(title="Search the knowledge base", annotations=_READS_ONLY)
    async def search(
        query: Annotated[str, Field(description="What to search for, in natural language, Chinese or English.")],
        context: Context[Any, Any],
        knowledge_base: WhichKnowledgeBase = DEFAULT,
    ) -> SearchResults:
        """Find the passages of the knowledge base that match a query best. Read them with `fetch`."""
        with _errors_for_client():
            return _search_results(await backend.search(query, knowledge_base, _connection(context)))

    @server.tool(title="Read a passage or document", annotations=_READS_ONLY)
    async def fetch(
        id: Annotated[  # noqa: A002  (the name that clients expect)
            str, Field(description="An id that `search` returned, or the path of a document such as `guides/setup.md`.")
        ],
        context: Context[Any, Any],
    ) -> FetchResult:
        """Read a passage with the section around it, or a document from its beginning."""
        with _errors_for_client():
            return _fetch_result(await backend.read(id, _connection(context)))

    @server.tool(title="Ask the knowledge base", annotations=_READS_ONLY)
    async def ask(
        question: Annotated[
            str, Field(description="One question in natural language that can be understood without context.")
        ],
        context: Context[Any, Any],
        knowledge_base: WhichKnowledgeBase = DEFAULT,
    ) -> Annotated[CallToolResult, AskResult]:
        """Answer a question from the knowledge base with numbered sources, or say that it has no answer."""
        with _errors_for_client():
            answer = await backend.ask(question, knowledge_base, _connection(context))
        result = _ask_result(answer)
        text = TextContent(type="text", text=_as_text(question, result))
        return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))

    @server.tool(title="List the knowledge bases", annotations=_READS_ONLY)
    async def list_knowledge_bases() -> KnowledgeBaseResults:
        """List the knowledge bases by name, with what each is about. Name one to `search` or `ask`."""
        with _errors_for_client():
            return KnowledgeBaseResults.of(await backend.knowledge_bases())


@contextmanager
def _errors_for_client() -> Iterator[None]:
    """Send our errors to the client. Other exceptions are bugs, and their text stays in the server."""
    try:
        yield
    except ZhiwenError as error:
        raise ToolError(shown(str(error))) from error


def _connection(context: Context[Any, Any]) -> Any:
    return context.request_context.request


def _search_results(found: SearchResponse) -> SearchResults:
    """Return each section once, because `fetch` reads the whole section."""
    results: dict[tuple[str, ...], SearchResult] = {}
    for hit in found.hits:
        which = (hit.knowledge_base,) if len(found.generations) > 1 else ()
        # The title is often the first heading too; it appears once.
        title = PATH_SEPARATOR.join(dict.fromkeys((*which, hit.title or hit.source, *hit.heading_path)))
        result = SearchResult(id=id_for_client(hit.id, hit.knowledge_base), title=title, url=hit.url)
        results.setdefault((hit.knowledge_base, hit.source, *hit.heading_path), result)
    return SearchResults(results=list(results.values()))


def _fetch_result(text: TextResponse) -> FetchResult:
    location: dict[str, MetadataValue] = {
        "source": text.source,
        "section": PATH_SEPARATOR.join(text.heading_path),
        "lines": f"{text.start_line}-{text.end_line}",
        "whole": text.whole,
    }
    return FetchResult(
        id=id_for_client(text.id, text.knowledge_base),
        title=text.title,
        text=text.text,
        url=text.url,
        metadata={**text.metadata, **location},
    )


def _ask_result(answer: AskResponse) -> AskResult:
    sources = [
        Source(
            number=citation.number,
            title=PATH_SEPARATOR.join((*_which(answer, citation), citation.source, *citation.heading_path)),
            url=citation.url,
            quote=citation.quote,
        )
        for citation in answer.citations
    ]
    return AskResult(
        answer=answer.answer,
        refused=answer.refused,
        reason=answer.reason,
        sources=sources,
        unverified=answer.unverified,
    )


def _which(answer: AskResponse, citation: CitationOut) -> tuple[str, ...]:
    return (citation.knowledge_base,) if len(answer.generations) > 1 else ()


def _as_text(question: str, result: AskResult) -> str:
    language = detect_language(question)
    lines = [result.answer]
    if result.unverified:
        lines += ["", f"{say('unverified', language)}:", *(f"- {sentence}" for sentence in result.unverified)]
    if result.sources:
        lines += ["", f"{say('sources', language)}:"]
        lines += [f"[{source.number}] {source.title} {source.url}" for source in result.sources]
    return "\n".join(lines)
