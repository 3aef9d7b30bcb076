"""Find code in streamed Markdown: code blocks line by line, and code spans within a line."""

import re
from collections import deque
from dataclasses import dataclass, replace

_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_NESTED_FENCE = re.compile(r"\s*+(?:(?:[-*+>]|\d{1,9}[.)])[\s>]*+|(?<=\s))(?:`{3}|~{3})")
_ONLY_MARKERS = re.compile(r"\s*(?:\[\d{1,4}\]\s*)*")
_ESCAPED = re.compile(r"\\.")
_BACKTICKS = re.compile("`+")
_NOT_ESCAPED = re.compile(r"(?<!\\)`+")
_CLOSINGS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


@dataclass(frozen=True, slots=True)
class CodeState:
    """What the lines so far say about code in the next line.

    `fence` is the mark that opened the current code block, "" outside of code blocks. `trusts_code` is False once
    renderers may disagree on what is code: after unpaired backticks in a line, or a code block that is indented or
    stands in a list item or a quotation.
    """

    fence: str = ""
    trusts_code: bool = True

    def after(self, line: str) -> "CodeState":
        """Return the state after one more line. A closing fence may have citation markers behind it."""
        if "`" not in line and "~~~" not in line:
            return self
        fence = _FENCE.match(line)
        if self.fence:
            closes = fence and fence["mark"].startswith(self.fence) and _ONLY_MARKERS.fullmatch(fence["info"])
            return replace(self, fence="") if closes else self
        if fence and "`" not in fence["info"]:
            return replace(self, fence=fence["mark"])
        is_clear = _has_paired_backticks(_ESCAPED.sub("", line)) and not _NESTED_FENCE.match(line)
        return self if is_clear else replace(self, trusts_code=False)


def open_fence(text: str) -> str:
    """Return the mark of the code block that a text leaves open, or "" if it leaves none open."""
    state = CodeState()
    for line in text.split("\n"):
        state = state.after(line)
    return state.fence


def find_code_spans(text: str) -> list[range]:
    """Return where the code spans of a text stand, with their backticks.

    >>> find_code_spans("a `b` c ` d")
    [range(2, 5)]
    """
    spans = []
    ends, position = SpanEnds(text), 0
    while backticks := _NOT_ESCAPED.search(text, position):
        end = ends.end_of_code(backticks)
        if end >= 0:
            spans.append(range(backticks.start(), end))
        position = max(end, backticks.end())
    return spans


class SpanEnds:
    """Finds where code spans, comments and the like end in a line.

    All calls together scan the line once or twice, because they must come from left to right.
    """

    def __init__(self, line: str) -> None:
        self._line = line
        self._backtick_runs: dict[int, deque[int]] | None = None
        self._missing_closings: set[str] = set()

    def end_of_code(self, backticks: re.Match[str]) -> int:
        """Return the end of the code span that these backticks begin, or -1 if nothing closes it."""
        if self._backtick_runs is None:
            self._backtick_runs = {}
            for run in _BACKTICKS.finditer(self._line):
                self._backtick_runs.setdefault(len(run[0]), deque()).append(run.end())
        ends = self._backtick_runs.get(len(backticks[0]), deque())
        while ends and ends[0] <= backticks.end():
            ends.popleft()
        return ends[0] if ends else -1

    def end_of_markup(self, opening: re.Match[str]) -> int:
        """Return the end of what `<!--`, `<![CDATA[` or `<?` opens, or -1 if nothing closes it."""
        closing = _CLOSINGS[opening[0]]
        start = -1 if closing in self._missing_closings else self._line.find(closing, opening.end())
        if start < 0:
            self._missing_closings.add(closing)
            return -1
        return start + len(closing)


def _has_paired_backticks(line: str) -> bool:
    """Return whether each backtick of a line without escapes opens a code span, closes one, or is inside of one."""
    ends, position = SpanEnds(line), 0
    while backticks := _BACKTICKS.search(line, position):
        position = ends.end_of_code(backticks)
        if position < 0 or line[backticks.start() - 1 : backticks.start()] == "\\":
            return False
    return True
