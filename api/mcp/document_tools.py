"""The MCP tools of agents that read documents as they would read files: list_documents, grep and read_lines."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from api.mcp.knowledge_bases import OneKnowledgeBase
from api.mcp.tool_backend import ToolBackend, connection_of, errors_for_client
from api.service.document_lines import MAX_LINES, MAX_MATCHES, GrepRequest, LineOut, LinesRequest, LinesResponse
from rag.knowledge_base_names import DEFAULT

_AT_ONCE = 200
_Folder = Annotated[str, Field(max_length=4096, description="Only documents whose path begins so, such as `guides/`.")]


class ListedDocument(BaseModel):
    """A document. `source` is its path, for `read_lines`, `grep` and `fetch`; `date` is "" if it is not known."""

    source: str
    title: str
    date: str
    url: str


class DocumentsResult(BaseModel):
    """At most 200 documents by path, from number `start` on; `found` counts all of the folder."""

    documents: list[ListedDocument]
    start: int
    found: int


class GrepResult(BaseModel):
    """The lines that hold the text, by document; `found` counts all of them."""

    lines: list[LineOut]
    found: int


def add_document_tools(server: MCPServer, backend: ToolBackend, annotations: ToolAnnotations) -> None:
    """Add the three tools."""
    _add_list_documents(server, backend, annotations)
    _add_grep(server, backend, annotations)
    _add_read_lines(server, backend, annotations)


def _add_list_documents(server: MCPServer, backend: ToolBackend, annotations: ToolAnnotations) -> None:
    @server.tool(title="List the documents", annotations=annotations)
    async def list_documents(
        context: Context[Any, Any],
        folder: _Folder = "",
        start: Annotated[int, Field(ge=0, description="The number of the first one; 200 come at a time.")] = 0,
        knowledge_base: OneKnowledgeBase = DEFAULT,
    ) -> DocumentsResult:
        """List the documents of the knowledge base with their dates.

        Use it to see what there is, or when a question is about documents as such: which ones, how many, how old. To
        find out what they say about something, use `search`.
        """
        with errors_for_client():
            listed = (await backend.documents(knowledge_base, connection_of(context))).documents
        found = [each for each in listed if each.source.startswith(folder)]
        documents = [
            ListedDocument(source=each.source, title=each.title, date=each.date, url=each.url)
            for each in found[start : start + _AT_ONCE]
        ]
        return DocumentsResult(documents=documents, start=start, found=len(found))


def _add_grep(server: MCPServer, backend: ToolBackend, annotations: ToolAnnotations) -> None:
    @server.tool(title="Find a text word for word", annotations=annotations)
    async def grep(
        text: Annotated[
            str,
            Field(min_length=1, max_length=200, description="The text; a `*` stands for anything within the line."),
        ],
        context: Context[Any, Any],
        folder: _Folder = "",
        limit: Annotated[int, Field(ge=1, le=MAX_MATCHES, description="The number of lines.")] = 50,
        knowledge_base: OneKnowledgeBase = DEFAULT,
    ) -> GrepResult:
        """Find every line that holds a text word for word, in any case.

        Use it for names, error codes, options and numbers, to find all places, or to make sure that there is none. It
        does not understand meaning, other words or other languages: for a question, use `search` or `ask`.
        """
        with errors_for_client():
            request = GrepRequest(text=text, folder=folder, limit=limit, knowledge_base=knowledge_base)
            found = await backend.grep(request, connection_of(context))
        return GrepResult(lines=found.lines, found=found.found)


def _add_read_lines(server: MCPServer, backend: ToolBackend, annotations: ToolAnnotations) -> None:
    @server.tool(title="Read lines of a document", annotations=annotations)
    async def read_lines(
        source: Annotated[
            str,
            Field(min_length=1, max_length=4096, description="The path of the document, such as `guides/setup.md`."),
        ],
        context: Context[Any, Any],
        start: Annotated[int, Field(ge=1, description="The first line.")] = 1,
        count: Annotated[int, Field(ge=1, le=MAX_LINES, description="The number of lines.")] = 200,
        knowledge_base: OneKnowledgeBase = DEFAULT,
    ) -> LinesResponse:
        """Read lines of a document, each behind its number.

        Use it to read on around a line that `grep`, `search` or a citation names, and to go through a long document in
        parts. To read the section of a search result, use `fetch`.
        """
        with errors_for_client():
            request = LinesRequest(source=source, start=start, count=count, knowledge_base=knowledge_base)
            return await backend.lines(request, connection_of(context))
