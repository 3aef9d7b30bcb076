"""Files of any format cut into chunks, to see what their reader kept and which lines are cited."""

import pytest
from hypothesis import strategies as st

from ingest.chunking.chunks import chunk_document
from ingest.chunking.inline_text import inline_lines
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
from rag.errors import DocumentError
from rag.types import Chunk

PUNCTUATION = st.text("ab1 .-+=*_#>`~|[]()<>!&;:\\/\"'$%^{}@?,\n", max_size=60)
"""Texts of characters that mean something in Markdown."""


def chunks_of(source: str, content: str | bytes) -> list[Chunk]:
    """Chunks as large as possible, so that only text that must be separate is."""
    document = parse_document(source, content.encode() if isinstance(content, str) else content)
    return chunk_document(document, count_tokens=len, max_tokens=60_000)


def body_lines(document: Document) -> dict[int, str]:
    """The text of a document by the lines of its file."""
    return {line.start_line: line.text for line in inline_lines(document.root.children)}


def text_of(source: str, content: str | bytes) -> str:
    return "\n\n".join(chunk.content for chunk in chunks_of(source, content))


def lines_of(source: str, content: str | bytes, words: str) -> tuple[int, int]:
    """The lines that the narrowest chunk with these words cites."""
    holding = [chunk for chunk in chunks_of(source, content) if words in chunk.content]
    assert holding, f"{words!r} is lost"
    return min(((chunk.start_line, chunk.end_line) for chunk in holding), key=lambda lines: lines[1] - lines[0])


def conversion_error(source: str, content: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_document(source, content)
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert "\n" not in message
    assert len(message) < 300
    return message
