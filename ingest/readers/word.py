"""The reader of Word documents (.docx)."""

import io
import re

from ingest.readers.document import Document
from ingest.readers.html import html_document
from ingest.readers.optional_converters import conversion_error, import_converter

_BLOCK_TAG = re.compile(r"(?=<(?:h\d|p|ul|ol|table|pre)\b)")


def read_word(source: str, content: bytes) -> Document:
    """Return a Word document, by way of HTML. Such a file has no lines: they count its blocks instead.

    Raises DocumentError if the converter is not installed or cannot read the file.
    """
    mammoth = import_converter(source, "mammoth")
    try:
        html = str(mammoth.convert_to_html(io.BytesIO(content)).value)
    except Exception as error:
        # mammoth has no errors of its own and lets those of zip, XML and recursion through.
        raise conversion_error(source, error) from error
    return html_document(source, _BLOCK_TAG.sub("\n", html).lstrip("\n"))
