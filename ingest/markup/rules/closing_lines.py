"""Which lines can close a block, found once for a document: a search from each opening line would be quadratic."""

from bisect import bisect_right
from collections.abc import Callable

from markdown_it.rules_block import StateBlock


def line_of(state: StateBlock, number: int) -> str:
    """Return a line of the block that is parsed, without the white space around it."""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def line_begins(state: StateBlock, number: int, marks: tuple[str, ...]) -> bool:
    """Return whether a line begins with one of the marks, behind white space. It is asked of every line."""
    return state.src.startswith(marks, state.bMarks[number] + state.tShift[number], state.eMarks[number])


def closing_line(state: StateBlock, after: int, end_line: int, name: str, closes: Callable[[str], bool]) -> int | None:
    """Return the first line after `after` and before `end_line` that `closes`, by a test that `name` stands for."""
    found: dict[str, list[int]] = state.env.setdefault("closing_lines", {})
    if name not in found:
        found[name] = [number for number, line in enumerate(state.src.split("\n")) if closes(line.strip())]
    position = bisect_right(found[name], after)
    # Within a quote the marks stand before the line, so it closes nothing there.
    candidates = found[name][position : position + 1]
    return next((number for number in candidates if number < end_line and closes(line_of(state, number))), None)
