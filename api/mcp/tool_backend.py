"""What the MCP tools need of the service, and how their errors reach the client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from api.private_paths import shown
from api.service.ask import AskResponse
from api.service.document_lines import GrepRequest, GrepResponse, LinesRequest, LinesResponse
from api.service.documents import DocumentList
from api.service.knowledge_bases import KnowledgeBaseList
from api.service.read_text import TextResponse
from api.service.search import SearchResponse
from rag.errors import ZhiwenError


class ToolBackend(Protocol):
    """Does the work of the tools. All addresses in its results are absolute, if they can be.

    `connection` is the HTTP request of the call, None over stdio or if it is unknown; a server then gives paths.
    A caller who may ask only one knowledge base need not name it. Raises the errors of `rag.errors`.
    """

    async def search(self, query: str, knowledge_base: str, connection: Any) -> SearchResponse:
        """Return the passages that match the query best."""
        ...

    async def read(self, name: str, knowledge_base: str, connection: Any) -> TextResponse:
        """Return the passage or document with this id, or with this path in a knowledge base. Raises TextNotFound."""
        ...

    async def ask(self, question: str, knowledge_base: str, connection: Any) -> AskResponse:
        """Return the answer to a question."""
        ...

    async def knowledge_bases(self) -> KnowledgeBaseList:
        """Return the knowledge bases."""
        ...

    async def documents(self, knowledge_base: str, connection: Any) -> DocumentList:
        """Return all documents of a knowledge base."""
        ...

    async def grep(self, request: GrepRequest, connection: Any) -> GrepResponse:
        """Return the lines that hold a text."""
        ...

    async def lines(self, request: LinesRequest, connection: Any) -> LinesResponse:
        """Return lines of a document. Raises TextNotFound."""
        ...


@contextmanager
def errors_for_client(kind: Callable[[str], Exception] = ToolError) -> Iterator[None]:
    """Send our errors to the client, as errors of this kind. Others are bugs, and their text stays in the server."""
    try:
        yield
    except ZhiwenError as error:
        raise kind(shown(str(error))) from error


def connection_of(context: Context[Any, Any]) -> Any:
    """Return the HTTP request of a call, None over stdio."""
    return context.request_context.request
