"""Where in Markdown a text that streams has arrived: inside of code, or at the beginning of a line or a sentence."""

import re


class MarkdownPosition:
    """The position at the end of the text noted so far."""

    def __init__(self) -> None:
        self._line = ""
        self._in_fence = False

    def note(self, text: str) -> None:
        """Move on to the end of `text`."""
        *lines, rest = (self._line + text).split("\n")
        for line in lines:
            self._in_fence ^= line.lstrip().startswith(("```", "~~~"))
        self._line = rest

    @property
    def in_code(self) -> bool:
        """Whether the position is in a fenced block or between backticks."""
        return self._in_fence or self._line.count("`") % 2 == 1

    @property
    def begins_line(self) -> bool:
        """Whether nothing but white space precedes it on its line."""
        return not self._line.strip()

    @property
    def begins_sentence(self) -> bool:
        """Whether the beginning of the line, the end of a sentence or a bracket precedes it."""
        return re.search(r"(?:^|[.!?。！？\])」）])\s*\Z", self._line) is not None
