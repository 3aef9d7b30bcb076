"""A passage with its section, or a document, as JSON."""

from pydantic import BaseModel, Field

from api.schemas.request_model import RequestModel
from rag.document_url import passage_url
from rag.retrieval.excerpts import Excerpt
from rag.types import MetadataValue


class TextRequest(RequestModel):
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
    url: str = Field(description="The path of the document on this server, at the passage.")
    metadata: dict[str, MetadataValue]

    @classmethod
    def of(cls, excerpt: Excerpt) -> "TextResponse":
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
            url=passage_url(passage),
            metadata=dict(passage.metadata),
        )
