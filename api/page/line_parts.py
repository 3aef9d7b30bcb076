"""Inline nodes in parts, by the lines of the file that they show: what a citation of some lines can mark."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.markup.elements import HIDDEN
from ingest.markup.tree import Element, Node, Text

_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class LinePart:
    """Some neighbouring nodes, and the lines of the file that they show; none for white space and line breaks."""

    nodes: Sequence[Node]
    lines: range


def line_parts(nodes: Sequence[Node]) -> list[LinePart]:
    """Return the nodes of a run in parts. Text is split at line ends; what begins on the same line is one part."""
    parts = []
    for _, group in groupby(_pieces(nodes), key=lambda piece: piece.lines[:1]):
        pieces = list(group)
        lines = range(pieces[0].lines.start, max(piece.lines.stop for piece in pieces))
        parts.append(LinePart([node for piece in pieces for node in piece.nodes], lines))
    return parts


def _pieces(nodes: Sequence[Node]) -> Iterator[LinePart]:
    for node in nodes:
        if isinstance(node, Element):
            shown = list(_shown_lines(node))
            yield LinePart((node,), range(min(shown), max(shown) + 1) if shown else range(0))
            continue
        for number, line in enumerate(_LINES.findall(node.text), node.line):
            yield LinePart((Text(line, number),), range(number, number + 1) if line.strip() else range(0))


def _shown_lines(element: Element) -> Iterator[int]:
    if element.name == "img":
        yield element.line
    for child in element.children if element.name not in HIDDEN else ():
        if isinstance(child, Element):
            yield from _shown_lines(child)
        else:
            yield from (number for number, line in enumerate(child.text.split("\n"), child.line) if line.strip())
