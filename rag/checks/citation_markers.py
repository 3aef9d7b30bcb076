"""Citation markers in streamed text: one form for all of them, and none of a passage that was not offered."""

import re
from collections.abc import Sequence

# [1], [1, 2], 【1】 and their full-width forms, with the white space before them. Every repetition has an upper bound,
# so that only a bounded amount of text is ever held back.
_MARKER = re.compile(r"[ \t]{0,8}[\[【［]\^?\s{0,2}(\d{1,4}(?:\s{0,2}[,，、;；]\s{0,2}\d{1,4}){0,49})\s{0,2}[\]】］]")
_MARKER_BEGINNING = re.compile(r"[ \t]{0,8}(?:[\[【［]\^?[\s\d,，、;；]*)?\Z")
_WHITE_SPACE = re.compile(r"[ \t]{0,8}\Z")
_MAX_MARKER_CHARACTERS = 8 + 2 + 2 + 4 + 49 * 9 + 3
_NUMBER = re.compile(r"\[([0-9]{1,4})\]")


class MarkerFilter:
    """Passes streamed text on with every marker as ` [n]`, and without markers of passages that were not offered.

    `offered` are the numbers of the passages. Text that may be the beginning of a marker is held back, so that the
    result does not depend on how the text is split.
    """

    def __init__(self, offered: Sequence[int]) -> None:
        self._offered = frozenset(offered)
        self._buffer = ""
        self._last_character = ""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        text = self._buffer + text
        beginning = _MARKER_BEGINNING.search(text)
        if beginning is None or len(text) - beginning.start() > _MAX_MARKER_CHARACTERS:
            beginning = _WHITE_SPACE.search(text)
        cut = beginning.start() if beginning else len(text)
        self._buffer = text[cut:]
        return self._clean(text[:cut])

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        rest, self._buffer = self._buffer, ""
        return self._clean(rest)

    def _clean(self, text: str) -> str:
        clean = _MARKER.sub(self._replace, text)
        self._last_character = text[-1:] or self._last_character
        return clean

    def _replace(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        markers = "".join(f"[{number}]" for number in numbers if number in self._offered)
        if markers:
            return f" {markers}"
        before = match.string[match.start() - 1] if match.start() else self._last_character
        # The text on both sides must not join to a new marker.
        return " " if before in tuple("[0123456789") else ""


def cited_numbers(text: str) -> list[int]:
    """Return the numbers of the markers in a text that a MarkerFilter has passed, in order of appearance, each once."""
    return list(dict.fromkeys(int(number) for number in _NUMBER.findall(text)))
