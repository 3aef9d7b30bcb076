"""The reader of PDF files."""

import io
import logging

from ingest.readers.document import Document, converted_document
from ingest.readers.optional_converters import conversion_error, import_converter
from ingest.readers.plain_text import text_to_markdown
from rag.errors import DocumentError


def read_pdf(source: str, content: bytes) -> Document:
    """Return the text of a PDF as Markdown. Its lines are its pages: a citation can point at a page.

    Raises DocumentError if the converter is not installed, or if the file is encrypted, broken or without text.
    """
    pypdf = import_converter(source, "pypdf")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every flaw that it can work around
    try:
        pages = [_repair(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    except Exception as error:
        # Broken files raise anything from KeyError to RecursionError in pypdf, rarely its own errors.
        raise conversion_error(source, error) from error
    if not any(page.strip() for page in pages):
        raise DocumentError(f"{source}: contains no text; scanned pages need text recognition first")
    lines: list[str] = []
    line_map: list[int] = []
    for number, page in enumerate(pages, 1):
        paragraphs = [*text_to_markdown(page).split("\n"), ""]
        lines += paragraphs
        line_map += [number] * len(paragraphs)
    return converted_document(source, body="\n".join(lines), line_map=tuple(line_map))


def _repair(text: str) -> str:
    """Return the text with newlines as line ends, and `\ufffd` for lone surrogates, which broken font tables give."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").replace("\r", "\n")
