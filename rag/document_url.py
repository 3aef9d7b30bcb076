"""Where the service shows a document: the one place that knows these addresses."""

from urllib.parse import quote

from rag.types import Chunk

PASSAGE_ID = "passage"
"""The HTML id of the first block that is cited."""


def document_url(source: str, lines: range = range(0)) -> str:
    """Return the path of a document, at the passage of these lines.

    >>> document_url("guides/set up.md", range(3, 6))
    '/docs/guides/set%20up.md?lines=3-5#passage'
    """
    path = f"/docs/{quote(source)}"
    return f"{path}?lines={lines[0]}-{lines[-1]}#{PASSAGE_ID}" if lines else path


def passage_url(chunk: Chunk) -> str:
    """Return the path of the document that a chunk is from, at the chunk."""
    return document_url(chunk.source, range(chunk.start_line, chunk.end_line + 1))
