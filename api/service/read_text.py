"""Read a passage with its section, or a document."""

from pydantic import BaseModel, Field

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Example, Operation
from rag.knowledge_base_names import DEFAULT
from rag.published_url import PassageUrls
from rag.retrieval.excerpts import Excerpt, read_excerpt
from rag.store.store import Store
from rag.types import MetadataValue


class TextRequest(KnowledgeBaseRequest):
    """The passage or document to read."""

    id: str = Field(
        description="The `id` of a hit, or the `source` of a document.",
        min_length=1,
        max_length=4096,
        examples=["overview.md"],
    )


class TextResponse(BaseModel):
    """`text` is the Markdown of the given lines. `whole` is false if it was cut off. `metadata` is front matter."""

    id: str
    source: str
    title: str
    heading_path: list[str]
    start_line: int
    end_line: int
    text: str
    whole: bool
    url: str = Field(description="Where the passage can be read: a path on this server, or its published page.")
    metadata: dict[str, MetadataValue]
    knowledge_base: str = DEFAULT

    @classmethod
    def of(cls, excerpt: Excerpt, urls: PassageUrls) -> "TextResponse":
        """Convert an excerpt to JSON."""
        passage = excerpt.passage
        return cls(
            id=excerpt.id,
            source=passage.source,
            title=passage.context or passage.source,
            heading_path=list(passage.heading_path),
            start_line=excerpt.start_line,
            end_line=excerpt.end_line,
            text=excerpt.text,
            whole=excerpt.is_whole,
            url=urls.of(passage),
            metadata=dict(passage.metadata),
            knowledge_base=passage.knowledge_base,
        )


MAX_CHARACTERS = 20_000
"""The most that a client can pass to a chat model at once."""


def read_text(store: Store, request: TextRequest, urls: PassageUrls) -> TextResponse:
    """Read a passage with the section around it, or a document from its beginning, at most MAX_CHARACTERS.

    Raises TextNotFound and StoreError.
    """
    return TextResponse.of(read_excerpt(store.snapshot(), request.id, max_characters=MAX_CHARACTERS), urls)


TEXT = Operation(
    name="text",
    description="Read a passage with the section around it, or a document from its beginning.",
    method="GET",
    path="/text",
    request=TextRequest,
    response=TextResponse,
    run=lambda services, request: read_text(services.store, request, services.urls),
    scope="ask",
    tag="ask",
    example=Example(
        parameters={"id": "overview.md"},
        response={
            "id": "overview.md",
            "source": "overview.md",
            "title": "概述",
            "heading_path": [],
            "start_line": 9,
            "end_line": 108,
            "text": "# 概述\n\n## 资源\n\n…",
            "whole": True,
            "url": "/docs/overview.md?lines=9-108#passage",
            "metadata": {"title": "概述", "tags": ["ai"]},
        },
        errors=("text", "knowledge_base", "live"),
    ),
)
