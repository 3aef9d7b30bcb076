"""Lines of Markdown that are verbatim: in a block of code, indented as code, or in a block of formulas."""

import re
from dataclasses import dataclass, replace
from typing import Literal

_OPENING = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?P<mark>`{3,}|~{3,}|\$\$|\\\[)(?P<rest>.*)", re.DOTALL)
_MAY_OPEN = re.compile(r"[\s>*+\-\d.)`~$\\]*\Z")
_DECIDED_CHARACTERS = 40
"""No line opens a block behind a longer beginning."""
_CLOSINGS = {"$$": "$$", "\\[": "\\]"}
_INDENTED = re.compile(r"(?: {4}|\t)[ \t]*(?![-*+]\s|\d{1,9}[.)]\s)\S")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)、])\s")

LineKind = Literal["prose", "code", "open", "whole"]


@dataclass(frozen=True, slots=True)
class VerbatimState:
    """What the lines so far say about the next one.

    `closing` ends the block that is open: a fence, `$$` or `\\]`; "" outside of blocks.
    """

    closing: str = ""
    in_list: bool = False
    may_indent: bool = True
    """Whether indentation makes the next line code: after a blank line, or after such a line."""

    @property
    def in_fence(self) -> bool:
        """Whether a block of code is open."""
        return self.closing.startswith(("`", "~"))

    def kind(self, line: str, *, is_complete: bool) -> LineKind:
        """Return the kind of a line of which only the beginning may be known.

        `prose`: markers may stand in it; `code`: none may; `whole`: that depends on the rest of the line, or, in a
        complete line, on whether it opens or closes a block (`split`); `open`: more must be known.
        """
        start = line.lstrip(" \t>")
        if self.in_fence:
            if not start.strip() and not is_complete:
                return "open"
            return "whole" if start.startswith(self.closing[: len(start)]) and start.strip() else "code"
        if self.closing:
            return "whole"
        if not is_complete and len(line) <= _DECIDED_CHARACTERS and _MAY_OPEN.match(line):
            return "open"
        if _OPENING.match(line):
            return "whole"
        return "code" if self._is_indented_code(line) else "prose"

    def split(self, line: str) -> int:
        """Return how many characters at the front of a complete line of the kind `whole` are verbatim."""
        if self.in_fence:
            return self._closing_fence_end(line) or len(line)
        if self.closing:
            found = line.find(self.closing)
            return len(line) if found < 0 else found + len(self.closing)
        return len(line) if self._opens(line) else 0

    def after(self, line: str) -> "VerbatimState":
        """Return the state after one more complete line."""
        if self.closing:
            is_closed = self._closing_fence_end(line) if self.in_fence else self.closing in line
            return replace(self, closing="", may_indent=True) if is_closed else self
        if opened := self._opens(line):
            return replace(self, closing=opened)
        is_blank = not line.strip()
        in_list = bool(_LIST_ITEM.match(line)) or (self.in_list and (is_blank or line[0] in " \t"))
        return VerbatimState("", in_list, may_indent=is_blank or self._is_indented_code(line))

    def _opens(self, line: str) -> str:
        """Return what closes the block that a line opens, "" if it opens none."""
        opening = _OPENING.match(line)
        if not opening:
            return ""
        mark, rest = opening["mark"], opening["rest"]
        closing = _CLOSINGS.get(mark, mark)
        if mark in _CLOSINGS:
            # `\[1\]` and `$$x$$` end on their line.
            return "" if closing in rest or mark[0] * 2 + rest[:1] == "$$$" else closing
        return "" if mark[0] == "`" and "`" in rest else closing

    def _closing_fence_end(self, line: str) -> int:
        """Return where the mark of a closing fence ends, 0 if the line closes none; markers may follow it."""
        start = line.lstrip(" \t>")
        if not start.startswith(self.closing):
            return 0
        rest = start.lstrip(self.closing[0])
        if re.search(r"[A-Za-z`~]", re.sub(r"†[^\]】]*", "", rest)):
            return 0
        return len(line) - len(rest)

    def _is_indented_code(self, line: str) -> bool:
        return self.may_indent and not self.in_list and bool(_INDENTED.match(line))
