"""The document formats: for each one its suffixes, its reader and what its lines are.

A new format is declared here and nowhere else. docs/extending/document-format.md says how.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from ingest.readers.document import Document
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown, read_mdx
from ingest.readers.office import read_excel, read_powerpoint
from ingest.readers.pdf import read_pdf
from ingest.readers.plain_text import read_plain_text
from ingest.readers.word import read_word
from rag.errors import DocumentError

Reader = Callable[[str, bytes], Document]
"""(source, bytes of the file) → Document. Raises DocumentError, or RecursionError for content nested too deeply."""


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A kind of file.

    `suffixes` are in lower case and begin with a dot; the page links to files with them. `is_default` formats are in
    the default of `knowledge.include`; the others need a package of the extra `documents`, or are asked for. `lines`
    says what the line numbers of a citation count.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    is_default: bool = True
    lines: Literal["lines", "pages", "rows", "slides", "blocks"] = "lines"


FORMATS = (
    DocumentFormat("Markdown", (".md", ".markdown"), read_markdown),
    DocumentFormat("MDX", (".mdx",), read_mdx),
    DocumentFormat("plain text", (".txt",), read_plain_text),
    DocumentFormat("HTML", (".html", ".htm"), read_html),
    DocumentFormat("PDF", (".pdf",), read_pdf, is_default=False, lines="pages"),
    DocumentFormat("Excel", (".xlsx",), read_excel, is_default=False, lines="rows"),
    DocumentFormat("PowerPoint", (".pptx",), read_powerpoint, is_default=False, lines="slides"),
    DocumentFormat("Word", (".docx",), read_word, is_default=False, lines="blocks"),
)
_FORMAT_OF_SUFFIX = {suffix: one for one in FORMATS for suffix in one.suffixes}


def format_of(source: str) -> DocumentFormat:
    """Return the format of a file by the suffix of its name. Raises DocumentError for an unknown one.

    >>> format_of("guides/README.MD").name
    'Markdown'
    """
    found = _FORMAT_OF_SUFFIX.get(_suffix(source))
    if found is None:
        kind = f"files of the kind {_suffix(source)}" if _suffix(source) else "files without a suffix"
        raise DocumentError(
            f"{source}: {kind} cannot be read, only {', '.join(_FORMAT_OF_SUFFIX)}; "
            "leave it out with knowledge.include or knowledge.exclude"
        )
    return found


def has_known_suffix(path: str) -> bool:
    """Return whether the name of a file says that it can be a document."""
    return _suffix(path) in _FORMAT_OF_SUFFIX


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
