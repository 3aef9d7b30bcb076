"""The bytes of a file → a document, by the reader of its format."""

from ingest.readers.document import Document
from ingest.readers.formats import format_of
from rag.errors import DocumentError


def parse_document(source: str, content: bytes) -> Document:
    """Read the bytes of a file. `source` is its path below the knowledge folder, POSIX style, NFC.

    Raises DocumentError, which names the source, for an unknown suffix, for an encoding that cannot be read, and for a
    file that cannot be converted.

    >>> parse_document("安装.md", "---\\ntitle: 安装指南\\n---\\n先装 Python。".encode()).title
    '安装指南'
    """
    read = format_of(source).read
    try:
        return read(source, content)
    except RecursionError as error:
        raise DocumentError(f"{source}: is nested too deeply to be parsed") from error
