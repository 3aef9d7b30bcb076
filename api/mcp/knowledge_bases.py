"""How MCP clients name knowledge bases, in arguments and in ids, and the tool that lists them."""

from collections.abc import Collection
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from api.mcp.tool_backend import ToolBackend, errors_for_client
from api.service.knowledge_bases import KnowledgeBaseList
from rag.knowledge_base_names import ALL, DEFAULT, MAX_CHARACTERS

WhichKnowledgeBase = Annotated[
    str,
    Field(
        max_length=MAX_CHARACTERS,
        description=f"A name that `list_knowledge_bases` returned, or `{ALL}`. Leave it out if you know of only one.",
    ),
]
"""An argument of a tool."""
OneKnowledgeBase = Annotated[
    str,
    Field(
        max_length=MAX_CHARACTERS,
        description="A name that `list_knowledge_bases` returned. Leave it out if you know of only one.",
    ),
]
"""An argument of a tool that reads one at a time."""


class KnowledgeBaseResult(BaseModel):
    """A knowledge base. `title` and `context` say what it is about."""

    name: str
    title: str
    context: str
    documents: int


class KnowledgeBaseResults(BaseModel):
    """The knowledge bases; the first one is the default."""

    knowledge_bases: list[KnowledgeBaseResult]

    @classmethod
    def of(cls, found: KnowledgeBaseList) -> "KnowledgeBaseResults":
        """Convert the list, without what clients need not know."""
        return cls.model_validate(found.model_dump())


def id_for_client(name: str, knowledge_base: str) -> str:
    """Return an id of a passage or document that says which knowledge base it is in.

    >>> id_for_client("5f2c", "default"), id_for_client("5f2c", "handbook")
    ('5f2c', 'handbook:5f2c')
    """
    return name if knowledge_base == DEFAULT else f"{knowledge_base}:{name}"


def split_id(name: str, knowledge_base: str, knowledge_bases: Collection[str]) -> tuple[str, str]:
    """Return what `id_for_client` was given, if that is one of `knowledge_bases`; else the name as it is.

    `knowledge_base` is where a client looks for a name that says nothing of it. A path may have a colon, too.

    >>> known = ["default", "handbook"]
    >>> split_id("handbook:guides/a.md", "default", known), split_id("note: a.md", "handbook", known)
    (('guides/a.md', 'handbook'), ('note: a.md', 'handbook'))
    >>> split_id("handbook:", "default", known)
    ('handbook:', 'default')
    """
    named, _, rest = name.partition(":")
    return (rest, named) if rest and named in knowledge_bases else (name, knowledge_base)


def add_knowledge_base_tool(server: MCPServer, backend: ToolBackend, annotations: ToolAnnotations) -> None:
    """Add the tool list_knowledge_bases."""

    @server.tool(title="List the knowledge bases", annotations=annotations)
    async def list_knowledge_bases() -> KnowledgeBaseResults:
        """List the knowledge bases, and what each is about. Use it to choose one for `ask` or `search`."""
        with errors_for_client():
            return KnowledgeBaseResults.of(await backend.knowledge_bases())
