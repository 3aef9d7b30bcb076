"""PDF and Word documents → Markdown, where the optional converters are installed."""

import importlib
import io
import logging
import re
from typing import Any

from ingest.readers.plain_text import ConvertedText, text_to_markdown
from rag.errors import DocumentError

_BLOCK_TAG = re.compile(r"(?=<(?:h\d|p|ul|ol|table|pre)\b)")


def pdf_to_markdown(source: str, content: bytes) -> ConvertedText:
    """The text of a PDF. Its lines are its pages: that is what a citation can point at.

    Raises DocumentError if the converter is not installed, or the file is encrypted, broken or holds no text.
    """
    pypdf = _optional(source, "pypdf")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw that it can read past
    try:
        pages = [_mended(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    except Exception as error:
        # Broken files break it in every way, KeyError to RecursionError; its own errors are the fewest.
        raise _unreadable(source, error) from error
    if not any(page.strip() for page in pages):
        raise DocumentError(f"{source}: holds no text; scanned pages need text recognition first")
    lines: list[str] = []
    line_map: list[int] = []
    for number, page in enumerate(pages, 1):
        paragraphs = [*text_to_markdown(page).markdown.split("\n"), ""]
        lines += paragraphs
        line_map += [number] * len(paragraphs)
    return ConvertedText("", "\n".join(lines), tuple(line_map))


def docx_to_markdown(source: str, content: bytes) -> ConvertedText:
    """A Word document, by way of HTML. Lines count its blocks, for such a file has no lines of its own.

    Raises DocumentError if the converter is not installed or cannot read the file.
    """
    from ingest.readers.html import html_to_markdown  # noqa: PLC0415

    mammoth = _optional(source, "mammoth")
    try:
        html = str(mammoth.convert_to_html(io.BytesIO(content)).value)
    except Exception as error:
        # It has no errors of its own, and lets through those of zip, XML and recursion.
        raise _unreadable(source, error) from error
    return html_to_markdown(_BLOCK_TAG.sub("\n", html).lstrip("\n"))


def _optional(source: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DocumentError(f"{source}: needs a converter; pip install 'zhiwen[documents]'") from error


def _mended(text: str) -> str:
    """Line ends as newlines; halves of characters, which a broken font table gives, marked as unreadable."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _unreadable(source: str, error: Exception) -> DocumentError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DocumentError(f"{source}: cannot be converted: {reason}")
