"""The URLs under which the service shows documents and their pictures."""

from collections.abc import Mapping
from urllib.parse import quote

from rag.knowledge_base_names import DEFAULT
from rag.types import Chunk

PASSAGE_ID = "passage"
"""The HTML id of the first block of a cited passage."""

KNOWLEDGE_BASE = "knowledge_base"
"""The query parameter that names the knowledge base, unless that is the default one."""

DOCUMENTS = "/docs/"
PICTURES = "/pictures/"
"""The beginnings of the URL paths of documents and of pictures."""


def document_url(source: str, lines: range = range(0), knowledge_base: str = DEFAULT) -> str:
    """Return the URL path of a document; with `lines`, which count from 1, it leads to the passage on them.

    >>> document_url("guides/set up.md", range(3, 6))
    '/docs/guides/set%20up.md?lines=3-5#passage'
    >>> document_url("leave.md", knowledge_base="handbook")
    '/docs/leave.md?knowledge_base=handbook'
    """
    path = DOCUMENTS + quote(source) + _query(knowledge_base, {"lines": f"{lines[0]}-{lines[-1]}" if lines else ""})
    return f"{path}#{PASSAGE_ID}" if lines else path


def picture_url(path: str, folder: str = "", knowledge_base: str = DEFAULT, *, shown_by: str = "") -> str:
    """Return the URL path of a picture that is called `path` in `folder`, or somewhere else if it is not there.

    `shown_by` is the document that shows it, for readers who may see pictures only there.

    >>> picture_url("img/a b.png", "guides")
    '/pictures/img/a%20b.png?in=guides'
    """
    return PICTURES + quote(path) + _query(knowledge_base, {"in": folder, "shown_by": shown_by})


def passage_url(chunk: Chunk) -> str:
    """Return the URL path of the chunk's document; it leads to the chunk."""
    return document_url(chunk.source, range(chunk.start_line, chunk.end_line + 1), chunk.knowledge_base)


def _query(knowledge_base: str, parameters: Mapping[str, str]) -> str:
    """Return the query of an address: the knowledge base unless it is the default one, and what is not empty."""
    named = {} if knowledge_base == DEFAULT else {KNOWLEDGE_BASE: knowledge_base}
    given = [f"{name}={quote(value)}" for name, value in {**named, **parameters}.items() if value]
    return f"?{'&'.join(given)}" if given else ""
