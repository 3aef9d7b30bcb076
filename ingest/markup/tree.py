"""A document as a tree of HTML elements and text, whatever format its file has. Every node knows its line.

Sections and chunks are cut from this tree, and the page shows it: what is found and cited is what a reader sees.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ingest.markup.elements import BLOCKS, HIDDEN


@dataclass(slots=True)
class Text:
    """Characters as a reader sees them. A newline is a line end of the file, not yet a line break."""

    text: str
    line: int


@dataclass(slots=True)
class Element:
    """An HTML element from `line` to `end_line` of the file (1-based)."""

    name: str
    line: int
    end_line: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end_line = max(self.end_line, self.line)

    @property
    def is_block(self) -> bool:
        """Whether it stands alone on its lines, or contains something that does."""
        return self.name in BLOCKS or any(isinstance(child, Element) and child.is_block for child in self.children)

    def elements(self, *names: str) -> Iterator["Element"]:
        """Yield the elements below it that have one of these names, in reading order; hidden ones are left out."""
        for child in self.children:
            if isinstance(child, Element) and child.name not in HIDDEN:
                if child.name in names:
                    yield child
                yield from child.elements(*names)


Node: TypeAlias = Element | Text


def runs(children: Sequence[Node]) -> Iterator[Element | list[Node]]:
    """Yield each block alone, and what stands between two blocks together, without hidden elements and blank text."""
    inline: list[Node] = []
    for child in children:
        if isinstance(child, Element) and child.name in HIDDEN:
            continue
        if isinstance(child, Element) and child.is_block:
            if _says_something(inline):
                yield inline
            inline = []
            yield child
        else:
            inline.append(child)
    if _says_something(inline):
        yield inline


def _says_something(nodes: Sequence[Node]) -> bool:
    return any(isinstance(node, Element) or node.text.strip() for node in nodes)
