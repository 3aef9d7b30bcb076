"""Read the text that an id leads to: a passage in its section, or a document."""

from api.schemas.text import TextRequest, TextResponse
from api.service.operation import Example, Operation
from rag.retrieval.excerpts import read_excerpt
from rag.store.store import Store

MAX_CHARACTERS = 20_000
"""What clients that hand texts to chat models can take in one piece."""


def read_text(store: Store, request: TextRequest) -> TextResponse:
    """Read a passage with the section around it, or a document from its beginning.

    Raises TextNotFound and StoreError.
    """
    return TextResponse.of(read_excerpt(store.snapshot(), request.id, max_characters=MAX_CHARACTERS))


TEXT = Operation(
    name="text",
    description="A passage with the section that it stands in, or a document from its beginning.",
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
