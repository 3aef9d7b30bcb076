"""A document: a file of the knowledge folder as Markdown, with its front matter and title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest.readers.cleaned_text import clean_text
from rag.types import MetadataValue


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader makes of a file.

    `source` is the path below the knowledge folder, POSIX style, NFC. `title` is the one that the document itself
    gives, or "". `body` is Markdown; its first line is line `first_line` (1-based) of the file. If the body was
    converted, `line_map` has the line of the file for each line of the body.
    """

    source: str
    title: str
    body: str
    first_line: int
    metadata: Mapping[str, MetadataValue]
    line_map: Sequence[int] = ()


def converted_document(source: str, *, body: str, title: str = "", line_map: Sequence[int] = ()) -> Document:
    """Return a document that was converted into Markdown, without invisible characters.

    Text is cleaned when it is read, but entities and binary files can bring in any character.
    """
    return Document(source, clean_text(title), clean_text(body), 1, {}, line_map)


def fallback_title(source: str) -> str:
    """Return the file's name without its suffix, for a document without title and headings.

    >>> fallback_title("guides/部署指南.md")
    '部署指南'
    """
    return PurePosixPath(source).stem
