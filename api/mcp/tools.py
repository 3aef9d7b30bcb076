"""The tools that MCP clients get: search, fetch and ask, the first two in the shape that deep research wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any, Protocol

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from api.messages import say
from api.schemas.questions import AskResponse, SearchResponse
from api.schemas.text import TextResponse
from rag.errors import ZhiwenError
from rag.text.language import detect_language
from rag.types import PATH_SEPARATOR, MetadataValue


class ToolBackend(Protocol):
    """What the tools are made of. All addresses in what it returns are absolute.

    `connection` is the HTTP request that a call came in, None over stdio. Raises the errors of rag.errors.
    """

    async def search(self, query: str, connection: Any) -> SearchResponse: ...

    async def read(self, name: str, connection: Any) -> TextResponse: ...

    async def ask(self, question: str, connection: Any) -> AskResponse: ...


class SearchResult(BaseModel):
    id: str
    title: str
    url: str


class SearchResults(BaseModel):
    results: list[SearchResult]


class FetchResult(BaseModel):
    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, MetadataValue]


class Source(BaseModel):
    number: int
    title: str
    url: str
    quote: str


class AskResult(BaseModel):
    """`unverified` are the sentences that the passages they cite do not support."""

    answer: str
    refused: bool
    sources: list[Source]
    unverified: list[str]


_READS_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "A knowledge base of documents. Use `ask` for a cited answer to a question in natural language; or `search` for "
    "passages and `fetch` for their text. Cite the urls you are given. "
    "文档知识库：提问用 ask，查找段落用 search，读取全文用 fetch；引用时给出返回的链接。"
)


def mcp_server(library: ToolBackend) -> MCPServer:
    """The server with its tools, for any transport."""
    server = MCPServer(
        "zhiwen",
        title="知问 zhiwen",
        instructions=_INSTRUCTIONS,
        version=version("zhiwen"),
        log_level="WARNING",
        subscriptions=False,
    )

    @server.tool(title="Search the knowledge base", annotations=_READS_ONLY)
    async def search(
        query: Annotated[str, Field(description="What to look for, in natural language, Chinese or English.")],
        context: Context[Any, Any],
    ) -> SearchResults:
        """Find the passages of the knowledge base that are nearest to a query, best first. Read them with `fetch`."""
        with _told():
            return _results(await library.search(query, _connection(context)))

    @server.tool(title="Read a passage or document", annotations=_READS_ONLY)
    async def fetch(
        id: Annotated[  # noqa: A002  (the name that clients expect)
            str, Field(description="An id that `search` returned, or a document's path such as `guides/setup.md`.")
        ],
        context: Context[Any, Any],
    ) -> FetchResult:
        """Read a passage together with the section it stands in, or a document from its beginning."""
        with _told():
            return _fetched(await library.read(id, _connection(context)))

    @server.tool(title="Ask the knowledge base", annotations=_READS_ONLY)
    async def ask(
        question: Annotated[str, Field(description="One question in natural language, complete in itself.")],
        context: Context[Any, Any],
    ) -> Annotated[CallToolResult, AskResult]:
        """Answer a question from the knowledge base, with numbered sources, or say that it does not answer it."""
        with _told():
            answer = await library.ask(question, _connection(context))
        result = _answered(answer)
        text = TextContent(type="text", text=_as_text(question, result))
        return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))

    return server


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong is told to the client; other exceptions are bugs, and stay here."""
    try:
        yield
    except ZhiwenError as error:
        raise ToolError(str(error)) from error


def _connection(context: Context[Any, Any]) -> Any:
    return context.request_context.request


def _results(found: SearchResponse) -> SearchResults:
    """Each section once: `fetch` brings the whole of it."""
    results: dict[tuple[str, ...], SearchResult] = {}
    for hit in found.hits:
        # A title that is also the first heading stands there once.
        title = PATH_SEPARATOR.join(dict.fromkeys((hit.title or hit.source, *hit.heading_path)))
        results.setdefault((hit.source, *hit.heading_path), SearchResult(id=hit.id, title=title, url=hit.url))
    return SearchResults(results=list(results.values()))


def _fetched(text: TextResponse) -> FetchResult:
    own: dict[str, MetadataValue] = {
        "source": text.source,
        "section": PATH_SEPARATOR.join(text.heading_path),
        "lines": f"{text.start_line}-{text.end_line}",
        "whole": text.whole,
    }
    return FetchResult(id=text.id, title=text.title, text=text.text, url=text.url, metadata={**text.metadata, **own})


def _answered(answer: AskResponse) -> AskResult:
    sources = [
        Source(
            number=citation.number,
            title=PATH_SEPARATOR.join((citation.source, *citation.heading_path)),
            url=citation.url,
            quote=citation.quote,
        )
        for citation in answer.citations
    ]
    return AskResult(answer=answer.answer, refused=answer.refused, sources=sources, unverified=answer.unverified)


def _as_text(question: str, result: AskResult) -> str:
    language = detect_language(question)
    lines = [result.answer]
    if result.unverified:
        lines += ["", f"{say('unverified', language)}:", *(f"- {sentence}" for sentence in result.unverified)]
    if result.sources:
        lines += ["", f"{say('sources', language)}:"]
        lines += [f"[{source.number}] {source.title} {source.url}" for source in result.sources]
    return "\n".join(lines)
