"""A document: a file of the knowledge folder as a tree, with its front matter and title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ingest.markup.tree import Element
from rag.types import MetadataValue


@dataclass(frozen=True, slots=True)
class PropertyLine:
    """A property in the front matter, as `name: value`, and its line in the file."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader makes of a file.

    `source` is the path below the knowledge folder, POSIX style, NFC. `title` is the one that the document itself
    gives, or "". `root` is its content; its lines are those of the file, or its pages or blocks. `properties` can be
    found like text. `warnings` say what could not be understood and is left out.
    """

    source: str
    title: str
    root: Element
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    properties: Sequence[PropertyLine] = ()
    warnings: Sequence[str] = ()


def fallback_title(source: str) -> str:
    """Return the file's name without its suffix, for a document without title and headings.

    >>> fallback_title("guides/部署指南.md")
    '部署指南'
    """
    return PurePosixPath(source).stem
