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
    said, positions = _compared(text)
    length, period = _periodic_tail(said)
    start = len(said) - length
    rounds = said[start : start + _MIN_ROUNDS * period]
    if not any(map(str.isalpha, rounds)) or rounds in _compared(known, len(known))[0]:
        return None
    return positions[_begin_round(text, positions, start, period) + period - 1] + 1


def _begin_round(text: str, positions: Sequence[int], start: int, period: int) -> int:
    """Return where a round of the loop at `start` begins best: with a sentence, else with a part of one.

    What stands before a loop may end like a round of it, so that the loop seems to begin in the middle of a round.
    """
    for begin in _BEGINS:
        for place in range(start, start + period):
            if place == 0 or begin.search(text[positions[place - 1] : positions[place]]):
                return place
    return start


def _compared(text: str, window: int = _WINDOW) -> tuple[str, list[int]]:
    """Return the characters that are compared, and the position of each in the text."""
    positions: list[int] = []
    start = max(0, len(text) - window)
    for left_out in _LEFT_OUT.finditer(text, start):
        positions += range(start, left_out.start())
        start = left_out.end()
    positions += range(start, len(text))
    return "".join(text[position] for position in positions), positions


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
