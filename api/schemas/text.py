"""The text that an id leads to, over the wire."""

from pydantic import BaseModel, Field

from rag.checks.citations import passage_url
from rag.retrieval.excerpts import Excerpt, read_excerpt
from rag.store.store import Store
from rag.types import MetadataValue

MAX_CHARACTERS = 20_000
"""What clients that hand texts to chat models can take in one piece."""


class TextResponse(BaseModel):
    """`text` is Markdown from the lines given; `whole` is false if the rest did not fit; `metadata` is front matter."""

    id: str
    source: str
    title: str
    heading_path: list[str]
    start_line: int
    end_line: int
    text: str
    whole: bool
    url: str = Field(description="The path under which the document is shown, at the passage.")
    metadata: dict[str, MetadataValue]

    @classmethod
    def of(cls, reading: Excerpt) -> "TextResponse":
        passage = reading.passage
        return cls(
            id=reading.id,
            source=passage.source,
            title=passage.context or passage.source,
            heading_path=list(passage.heading_path),
            start_line=reading.start_line,
            end_line=reading.end_line,
            text=reading.text,
            whole=reading.is_whole,
            url=passage_url(passage),
            metadata=dict(passage.metadata),
        )


def run_read(store: Store, name: str) -> TextResponse:
    return TextResponse.of(read_excerpt(store.snapshot(), name, max_characters=MAX_CHARACTERS))
