"""Citation markers in streamed text: one form for all of them, and none of a passage that was not offered."""

from collections.abc import Sequence

from rag.text.marker_grammar import Candidate, Unfinished
from rag.text.marker_places import is_marker
from rag.text.marker_scanner import MarkerScanner, Piece
from rag.text.markers import find_markers

_JOINING = tuple("[【［0123456789`$\\~<>(*_!")
"""The text on both sides of a removed marker must not join to a new marker, nor to code."""


class MarkerFilter:
    """Passes streamed text on with every marker as ` [n]`, and without markers of passages that were not offered.

    `offered` are the numbers of the passages, `material` their texts: arrays that a passage has stay as they are. What
    is in code or a formula passes unchanged. Text that may be the beginning of a marker is held back, so that the
    result does not depend on how the text is split.
    """

    def __init__(self, offered: Sequence[int], *, material: str = "") -> None:
        self._offered = frozenset(offered)
        self._material = material
        self._scanner = MarkerScanner(self._decide)
        self._last_character = ""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        return "".join(map(self._write, self._scanner.feed(text)))

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        return "".join(map(self._write, self._scanner.finish()))

    def _decide(self, candidate: Candidate, before: str, after: str, is_end: bool) -> bool | Unfinished:
        return is_marker(candidate, before, after, self._offered, material=self._material, is_end=is_end)

    def _write(self, piece: Piece) -> str:
        written = piece.raw if piece.marker is None else self._marker(piece.marker)
        self._last_character = written[-1:] or self._last_character
        return written

    def _marker(self, marker: Candidate) -> str:
        markers = "".join(f"[{number}]" for number in marker.numbers if number in self._offered)
        if markers:
            return f" {markers}" if self._last_character not in ("", "\n") else markers
        return " " if self._last_character in _JOINING else ""


def cited_numbers(text: str) -> list[int]:
    """Return the numbers of the markers in a text that a MarkerFilter has passed, in order of appearance, each once."""
    return list(dict.fromkeys(marker.number for marker in find_markers(text)))
