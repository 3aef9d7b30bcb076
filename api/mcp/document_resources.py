"""The documents as MCP resources, which people attach to a conversation, and the prompt that they can choose."""

from typing import Annotated, Any
from urllib.parse import quote

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference
from mcp.types import Resource as ListedResource
from pydantic import Field

from api.mcp.knowledge_bases import id_for_client
from api.mcp.prompt_text import prompt_text
from api.mcp.tool_backend import ToolBackend, connection_of, errors_for_client
from api.private_paths import shown
from rag.errors import KnowledgeBaseNotFound, TextNotFound
from rag.knowledge_base_names import DEFAULT

_ADDRESS = "zhiwen://documents/"
_MARKDOWN = "text/markdown"
_MAX_LISTED = 200
_MAX_COMPLETIONS = 100


class DocumentServer(MCPServer):
    """An MCP server that lists the documents of a backend as resources."""

    def __init__(self, backend: ToolBackend, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._backend = backend

    async def list_resources(self) -> list[ListedResource]:
        """List the first 200 documents by path: clients show the list to people. The template opens all others."""
        titles = list((await _titles(self._backend)).items())[:_MAX_LISTED]
        return [
            ListedResource(uri=_ADDRESS + quote(name), name=name, title=title or None, mime_type=_MARKDOWN)
            for name, title in titles
        ]


def add_document_resources(server: MCPServer, backend: ToolBackend) -> None:
    """Add the template of the documents, the completion of its path, and the prompt."""

    @server.resource(
        _ADDRESS + "{+source}",
        name="document",
        title="A document of the knowledge base",
        description="A document as Markdown by its path, such as `guides/setup.md`. A long one is cut off at its end.",
        mime_type=_MARKDOWN,
    )
    async def document(source: str, context: Context[Any, Any]) -> str:
        with errors_for_client(ResourceError):
            try:
                found = await backend.read(source, DEFAULT, connection_of(context))
            except (TextNotFound, KnowledgeBaseNotFound) as error:
                raise ResourceNotFoundError(shown(str(error))) from error
        rest = f"\n\n(This document goes on; `read_lines` reads on from line {found.end_line + 1}.)"
        return found.text + ("" if found.whole else rest)

    @server.completion()  # type: ignore[no-untyped-call,untyped-decorator]  # the SDK has no types here
    async def complete(
        reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        if not isinstance(reference, ResourceTemplateReference) or argument.name != "source":
            return None
        typed = argument.value.lower()
        found = [name for name in await _titles(backend) if typed in name.lower()]
        return Completion(values=found[:_MAX_COMPLETIONS], total=len(found), has_more=len(found) > _MAX_COMPLETIONS)

    @server.prompt(
        title="Answer from the knowledge base",
        description="Answer a question from the documents only, with a citation for each statement.",
    )
    def answer_with_citations(question: Annotated[str, Field(description="The question.")]) -> str:
        return prompt_text(question)


async def _titles(backend: ToolBackend) -> dict[str, str]:
    """Return the titles of all documents by the names that `fetch` takes. Raises ResourceError."""
    with errors_for_client(ResourceError):
        bases = [each.name for each in (await backend.knowledge_bases()).knowledge_bases]
        listed = [(base, each) for base in bases for each in (await backend.documents(base, None)).documents]
    return {id_for_client(each.source, base): each.title for base, each in listed}
