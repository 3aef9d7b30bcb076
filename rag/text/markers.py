"""The citation markers `[n]` of a text that is in its final form, as readers see it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.text.marker_grammar import Candidate, Unfinished
from rag.text.marker_places import is_marker
from rag.text.marker_scanner import MarkerScanner

_PLAIN = re.compile(r"\[[0-9]{1,4}\]")


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker in a text: `text[start:end]` is `[number]`."""

    start: int
    end: int
    number: int


def find_markers(text: str) -> Iterator[Marker]:
    """Yield the markers of a text in order; a `[n]` in code, in a formula or behind an identifier is none."""
    if "[" not in text:
        return
    scanner = MarkerScanner(_is_plain_marker)
    position = 0
    for pieces in (scanner.feed(text), scanner.finish()):
        for piece in pieces:
            position += len(piece.raw)
            if piece.marker:
                yield Marker(position - len(piece.raw.lstrip()), position, piece.marker.numbers[0])


def rewrite_markers(text: str, write: Callable[[int], str]) -> str:
    """Return the text with what `write` returns for the number of each marker in its place."""
    parts, done = [], 0
    for marker in find_markers(text):
        parts += [text[done : marker.start], write(marker.number)]
        done = marker.end
    return "".join([*parts, text[done:]])


def strip_markers(text: str) -> str:
    """Return the text without its markers and the white space before them."""
    scanner = MarkerScanner(_is_plain_marker)
    return "".join(
        piece.raw for pieces in (scanner.feed(text), scanner.finish()) for piece in pieces if not piece.marker
    )


def _is_plain_marker(candidate: Candidate, before: str, after: str, is_end: bool) -> bool | Unfinished:
    """Return whether brackets are a marker in its one form, and not one that has another meaning in its place."""
    if not _PLAIN.fullmatch(candidate.text):
        return False
    return is_marker(candidate, before, after, candidate.numbers, material="", is_end=is_end)
