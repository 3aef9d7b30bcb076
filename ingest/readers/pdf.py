"""The reader of PDF files."""

import io
import logging
from collections.abc import Iterator

from ingest.markup.tree import Element, Node, Text
from ingest.readers.cleaned_text import clean_text
from ingest.readers.document import Document
from ingest.readers.optional_converters import conversion_error, import_converter
from rag.errors import DocumentError


def read_pdf(source: str, content: bytes) -> Document:
    """Return the text of a PDF. Its lines are its pages: a citation can point at a page.

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
    root = Element("body", 1, len(pages))
    for number, page in enumerate(pages, 1):
        root.children += _paragraphs(page, number)
    return Document(source, "", root)


def _paragraphs(page: str, number: int) -> Iterator[Element]:
    """Yield what blank lines separate, line by line."""
    for paragraph in clean_text(page).split("\n\n"):
        children: list[Node] = []
        for line in filter(str.strip, paragraph.split("\n")):
            children += [Text(line.strip(), number), Element("br", number)]
        if children:
            yield Element("p", number, children=children)


def _repair(text: str) -> str:
    """Return the text with newlines as line ends, and `\ufffd` for lone surrogates, which broken font tables give."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "\n".join(line.rstrip() for line in whole.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
