"""Read a passage with its section, or a document."""

from api.schemas.text import TextRequest, TextResponse
from api.service.operation import Example, Operation
from rag.retrieval.excerpts import read_excerpt
from rag.store.store import Store

MAX_CHARACTERS = 20_000
"""The most that a client can pass to a chat model at once."""


def read_text(store: Store, request: TextRequest) -> TextResponse:
    """Read a passage with the section around it, or a document from its beginning, at most MAX_CHARACTERS.

    Raises TextNotFound and StoreError.
    """
    return TextResponse.of(read_excerpt(store.snapshot(), request.id, max_characters=MAX_CHARACTERS))


TEXT = Operation(
    name="text",
    description="Read a passage with the section around it, or a document from its beginning.",
    method="GET",
    path="/text",
    request=TextRequest,
    response=TextResponse,
    run=lambda services, request: read_text(services.store, request),
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
        errors=("text", "live"),
    ),
)
