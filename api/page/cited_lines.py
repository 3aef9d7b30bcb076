"""The marks on cited lines: which blocks or parts of blocks they are on, and their attributes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.markup.elements import HIDDEN
from ingest.markup.tree import Element, Node, Text
from rag.document_url import PASSAGE_ID

_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the inline nodes of a block, all to be marked or none. `is_whole`: there are no others, and they are."""

    nodes: Sequence[Node]
    is_cited: bool
    is_whole: bool = False


class CitedLines:
    """Decides what overlaps `lines` of the file. The first mark is the passage that a link leads to."""

    def __init__(self, lines: range, id_prefix: str, *, with_headings: bool = False) -> None:
        self.with_headings = with_headings
        self._lines = lines
        self._passage_id = id_prefix + PASSAGE_ID
        self._is_found = False

    @property
    def is_found(self) -> bool:
        """Whether something has been marked."""
        return self._is_found

    def attributes(self) -> dict[str, str]:
        """Return the attributes of the next mark."""
        identity = {} if self._is_found else {"id": self._passage_id}
        self._is_found = True
        return {"class": "cited", **identity}

    def overlap(self, first: int, last: int) -> bool:
        """Return whether some of the lines from `first` to `last` are cited."""
        return bool(self._lines) and first <= self._lines[-1] and last >= self._lines[0]

    def parts(self, nodes: Sequence[Node]) -> list[Part]:
        """Return the inline nodes in parts, at least one.

        All are marked if all their lines are cited, or if the cited ones cannot be told from the others.
        """
        pieces = list(_pieces(nodes)) if self._lines else []
        cited = [piece.is_shown and self.overlap(piece.first, piece.last) for piece in pieces]
        if not any(cited):
            return [Part(nodes, is_cited=False)]
        shown = [piece for piece in pieces if piece.is_shown]
        is_divided = any(self._is_divided(piece) for piece in shown)
        if is_divided or all(self.overlap(piece.first, piece.last) for piece in shown):
            return [Part(nodes, is_cited=True, is_whole=True)]
        return list(_by_line(pieces, cited))

    def _is_divided(self, piece: "_Piece") -> bool:
        return self.overlap(piece.first, piece.last) and not (
            self._lines[0] <= piece.first and piece.last <= self._lines[-1]
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A node, or the part of a text that stands on one line; with the lines of what it shows."""

    node: Node
    first: int
    last: int
    is_shown: bool


def _pieces(nodes: Sequence[Node]) -> Iterator[_Piece]:
    for node in nodes:
        if isinstance(node, Element):
            lines = list(_shown_lines(node))
            yield _Piece(node, min(lines, default=node.line), max(lines, default=node.line), bool(lines))
            continue
        for number, line in enumerate(_LINES.findall(node.text), node.line):
            yield _Piece(Text(line, number), number, number, bool(line.strip()))


def _shown_lines(element: Element) -> Iterator[int]:
    if element.name == "img":
        yield element.line
    for child in element.children if element.name not in HIDDEN else ():
        if isinstance(child, Element):
            yield from _shown_lines(child)
        else:
            yield from (number for number, line in enumerate(child.text.split("\n"), child.line) if line.strip())


def _by_line(pieces: Sequence[_Piece], cited: Sequence[bool]) -> Iterator[Part]:
    """Yield a cited part for each line, without the white space and the line breaks around it."""

    def part_of(pair: tuple[_Piece, bool]) -> tuple[bool, int]:
        return pair[1], pair[0].first if pair[1] else 0

    for (is_cited, _), group in groupby(zip(pieces, cited, strict=True), key=part_of):
        yield Part([piece.node for piece, _ in group], is_cited)
