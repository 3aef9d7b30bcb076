"""The URLs under which the service shows documents and their pictures."""

from urllib.parse import quote

from rag.types import Chunk

PASSAGE_ID = "passage"
"""The HTML id of the first block of a cited passage."""

DOCUMENTS = "/docs/"
PICTURES = "/pictures/"
"""The beginnings of the URL paths of documents and of pictures."""


def document_url(source: str, lines: range = range(0)) -> str:
    """Return the URL path of a document; with `lines`, which count from 1, it leads to the passage on them.

    >>> document_url("guides/set up.md", range(3, 6))
    '/docs/guides/set%20up.md?lines=3-5#passage'
    """
    path = DOCUMENTS + quote(source)
    return f"{path}?lines={lines[0]}-{lines[-1]}#{PASSAGE_ID}" if lines else path


def picture_url(path: str, folder: str = "") -> str:
    """Return the URL path of a picture that is called `path` in `folder`, or somewhere else if it is not there.

    >>> picture_url("img/a b.png", "guides")
    '/pictures/img/a%20b.png?in=guides'
    """
    return PICTURES + quote(path) + (f"?in={quote(folder)}" if folder else "")


def passage_url(chunk: Chunk) -> str:
    """Return the URL path of the chunk's document; it leads to the chunk."""
    return document_url(chunk.source, range(chunk.start_line, chunk.end_line + 1))
