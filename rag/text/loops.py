"""Find the loop that a text has run into: at its end, the same words come again and again.

>>> text = "It is fast. " + "1. Install the driver.\\n" * 5
>>> text[: end_of_first_round(text)]
'It is fast. 1. Install the driver.'
>>> end_of_first_round("- red\\n- green\\n- red\\n") is None
True
"""

import re
from collections.abc import Sequence

_MIN_ROUNDS = 4
_MIN_CHARACTERS = 60
"""A table may well have the same short word in many cells, and code the same short line a few times."""
_WINDOW = 2000
"""A loop is looked for among so many characters at the end."""
_LEFT_OUT = re.compile(
    r"\n[ \t]*(?:[-*+•]|\d{1,9}[.)、]?)\Z|\s+|\[\d{1,4}\]|(?:(?<=\n)|\A)[ \t]*(?:[-*+•]|\d{1,9}[.)、])[ \t]+"
)
"""White space, citation markers and the marks of list items, which may differ from round to round."""

_BEGINS = (re.compile(r"[。！？；\n]|[.!?;]\s"), re.compile(r"[，、,:：\s]"))
"""What stands before a sentence, and before a part of one."""


def end_of_first_round(text: str, known: str = "") -> int | None:
    """Return where the first round of the loop ends in which a text ends, or None if it does not end in one.

    A loop is at least four rounds of the same characters with a letter among them; the last may be cut. Pieces of a
    sentence, sentences and several sentences together can be a round. What stands in `known` as often is no loop.
    """
    offset = max(0, len(text) - _WINDOW)
    said = _LEFT_OUT.sub("", text[offset:])
    if not _may_be_loop(said):
        return None
    length, period = _periodic_tail(said)
    start = len(said) - length
    rounds = said[start : start + _MIN_ROUNDS * period]
    if not any(map(str.isalpha, rounds)) or rounds in _LEFT_OUT.sub("", known):
        return None
    positions = _positions_said(text[offset:])
    return offset + positions[_begin_round(text[offset:], positions, start, period) + period - 1] + 1


def _begin_round(text: str, positions: Sequence[int], start: int, period: int) -> int:
    """Return where a round of the loop at `start` begins best: with a sentence, else with a part of one.

    What stands before a loop may end like a round of it, so that the loop seems to begin in the middle of a round.
    """
    for begin in _BEGINS:
        for place in range(start, start + period):
            if place == 0 or begin.search(text[positions[place - 1] : positions[place]]):
                return place
    return start


def _positions_said(text: str) -> list[int]:
    """Return the positions of the characters that are compared."""
    positions: list[int] = []
    start = 0
    for left_out in _LEFT_OUT.finditer(text):
        positions += range(start, left_out.start())
        start = left_out.end()
    return [*positions, *range(start, len(text))]


def _may_be_loop(said: str) -> bool:
    """Return whether a text may end in a loop: a quick look that spares most texts the search for one."""
    end = said[-(_MIN_CHARACTERS // _MIN_ROUNDS) :]
    place = len(said)
    for _ in range(_MIN_ROUNDS):
        place = said.rfind(end, 0, place + len(end) - 1)  # it may overlap with the one found before
        if place < 0:
            return False
    return len(said) >= _MIN_CHARACTERS


def _periodic_tail(said: str) -> tuple[int, int]:
    """Return the length of the longest end of a text that is a loop, and the length of a round; 0, 0 without one."""
    # The ends of a text are the beginnings of its reverse; their borders are those of Knuth, Morris and Pratt.
    borders = _borders(said[::-1])
    for length in range(len(said), _MIN_CHARACTERS - 1, -1):
        period = length - borders[length - 1]
        if length >= _MIN_ROUNDS * period:
            return length, period
    return 0, 0


def _borders(text: Sequence[str]) -> list[int]:
    """Return for each beginning of a text how long the longest shorter beginning is that it also ends with."""
    borders = [0] * len(text)
    border = 0
    for position in range(1, len(text)):
        while border and text[position] != text[border]:
            border = borders[border - 1]
        border += text[position] == text[border]
        borders[position] = border
    return borders
