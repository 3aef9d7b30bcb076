"""The MCP server with the tools search, fetch and ask. The first two have the form that research clients expect."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from api.mcp.document_resources import DocumentServer, add_document_resources
from api.mcp.document_tools import add_document_tools
from api.mcp.knowledge_bases import OneKnowledgeBase, WhichKnowledgeBase, add_knowledge_base_tool, id_for_client
from api.mcp.tool_backend import ToolBackend, connection_of, errors_for_client
from api.service.ask import AskResponse, CitationOut
from api.service.read_text import TextResponse
from api.service.search import HitOut, SearchResponse
from api.translations import say
from api.version import version
from rag.knowledge_base_names import DEFAULT
from rag.text.language import detect_language
from rag.text.markdown_escape import escape_markdown, escape_words
from rag.text.markers import strip_markers
from rag.types import PATH_SEPARATOR, AnswerReason, MetadataValue


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
    """A passage that the answer cites as `[number]`. `date` is the day of its document, "" if it is not known."""

    number: int
    title: str
    url: str
    quote: str
    date: str = ""


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
    "find passages by meaning and `fetch` to read them. `grep` finds a text word for word, `read_lines` reads on in a "
    "document, `list_documents` says which there are. Cite the returned urls. "
    "文档知识库：提问用 ask，按意思查找用 search，读段落用 fetch；按原文查找用 grep，接着往下读用 read_lines，"
    "看有哪些文档用 list_documents；引用时附上返回的链接。"
)


_PassageOrDocument = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="An id that `search` returned, or the path of a document such as `guides/setup.md`; of another "
        "knowledge base than the default one, `handbook:leave.md`.",
    ),
]


def mcp_server(backend: ToolBackend) -> MCPServer:
    """Return an MCP server with all tools, resources and prompts, for any transport."""
    server = DocumentServer(
        backend,
        "zhiwen",
        title="知问 zhiwen",
        instructions=_INSTRUCTIONS,
        version=version(),
        log_level="WARNING",
        subscriptions=False,
    )
    _add_tools(server, backend)
    add_knowledge_base_tool(server, backend, _READS_ONLY)
    add_document_tools(server, backend, _READS_ONLY)
    add_document_resources(server, backend)
    return server


def _add_tools(server: MCPServer, backend: ToolBackend) -> None:
    @server.tool(title="Search the knowledge base", annotations=_READS_ONLY)
    async def search(
        query: Annotated[str, Field(description="What to search for, in natural language, Chinese or English.")],
        context: Context[Any, Any],
        knowledge_base: WhichKnowledgeBase = DEFAULT,
    ) -> SearchResults:
        """Find the passages of the knowledge base that match a query best. Read them with `fetch`.

        It finds by meaning as well as by words, also across languages. For a text that must stand there word for word,
        use `grep`.
        """
        with errors_for_client():
            return _search_results(await backend.search(query, knowledge_base, connection_of(context)))

    @server.tool(title="Read a passage or document", annotations=_READS_ONLY)
    async def fetch(
        id: _PassageOrDocument,  # noqa: A002  (the name that clients expect)
        context: Context[Any, Any],
        knowledge_base: OneKnowledgeBase = DEFAULT,
    ) -> FetchResult:
        """Read a passage with the section around it, or a document from its beginning.

        Use it after `search`, before you rely on a passage. To read on from a line, use `read_lines`.
        """
        with errors_for_client():
            return _fetch_result(await backend.read(id, knowledge_base, connection_of(context)))

    @server.tool(title="Ask the knowledge base", annotations=_READS_ONLY)
    async def ask(
        question: Annotated[
            str, Field(description="One question in natural language that can be understood without context.")
        ],
        context: Context[Any, Any],
        knowledge_base: WhichKnowledgeBase = DEFAULT,
    ) -> Annotated[CallToolResult, AskResult]:
        """Answer a question from the knowledge base with numbered sources, or say that it has no answer.

        Use it first if the answer is what is wanted. To judge the sources by yourself, use `search` and `fetch`.
        """
        with errors_for_client():
            answer = await backend.ask(question, knowledge_base, connection_of(context))
        result = _ask_result(answer)
        text = TextContent(type="text", text=_as_text(question, result))
        return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))


def _search_results(found: SearchResponse) -> SearchResults:
    """Return each section once, because `fetch` reads the whole section."""
    results: dict[tuple[str, ...], SearchResult] = {}
    for hit in found.hits:
        # The title is often the first heading too; it appears once.
        title = PATH_SEPARATOR.join(dict.fromkeys((*_which(found, hit), hit.title or hit.source, *hit.heading_path)))
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
            date=citation.date,
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


def _which(found: SearchResponse | AskResponse, passage: HitOut | CitationOut) -> tuple[str, ...]:
    """Return the knowledge base of a passage, if several were searched."""
    return (passage.knowledge_base,) if len(found.generations) > 1 else ()


def _as_text(question: str, result: AskResult) -> str:
    language = detect_language(question)
    lines = [result.answer]
    if result.unverified:
        # Alone, a sentence could be other Markdown than it was in the answer.
        sentences = [escape_words(strip_markers(sentence)) for sentence in result.unverified]
        lines += ["", f"{say('unverified', language)}:", *(f"- {sentence}" for sentence in sentences)]
    if result.sources:
        lines += ["", f"{say('sources', language)}:"]
        # As a link: clients would load pictures and follow addresses of a heading that stands for itself.
        lines += [f"[{source.number}] [{escape_markdown(source.title)}]({source.url})" for source in result.sources]
    return "\n".join(lines)
