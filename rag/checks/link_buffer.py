"""A line of an answer while it is written: how much of it is certain, whatever follows."""

import re
import string

from rag.text.urls import URL_PATTERN

# Where a line may begin to change. All that stands before passes at once; a marker passes when it is known that no
# address follows it.
_SUSPECT = re.compile(
    rf"!?\[(?!(?:\d{{1,4}}\]\[)*\d{{1,4}}\][^(\[:])|!\Z|\](?=[(:]|\Z)|<(?=[A-Za-z/!?]|\Z)|{URL_PATTERN.pattern}"
)
_OF_ADDRESSES = string.ascii_letters + string.digits + "+.@_:/?\\~-"
# With a port or a query in the letters of any language.
_UNFINISHED_ADDRESS = re.compile(r"(?<![A-Za-z0-9.-])(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?::\d+)?(?:\?\w*)?\Z")
_PATIENCE = 8
"""What is held back is looked at again when it has grown by one part in so many."""


class LinkBuffer:
    """What has passed of a line, what was held back, and what has come since.

    However long it becomes and in however many pieces it comes, all looks together take the time of reading it some
    times: what has passed is not looked at again, and much that is held back not for each piece.
    """

    def __init__(self) -> None:
        self._passed: list[str] = []
        self._held = ""
        self._coming: list[str] = []
        self._coming_length = 0
        self.shown = 0
        """So many of its characters have passed."""

    @property
    def text(self) -> str:
        return "".join([*self._passed, self._held, *self._coming])

    def add(self, piece: str) -> None:
        self._coming.append(piece)
        self._coming_length += len(piece)

    def advance(self) -> str:
        """The next of it that is certain: before anything that may be, or become, a link, HTML or an address."""
        if self._coming_length <= len(self._held) // _PATIENCE:
            return ""
        before = self._passed[-1][-1:] if self._passed else ""
        text = before + self._held + "".join(self._coming)
        suspect = _SUSPECT.search(text, len(before))
        unfinished = _UNFINISHED_ADDRESS.search(text, len(before))
        cut = min(found.start() if found else len(text) for found in (suspect, unfinished))
        cut = max(min(cut, len(text.rstrip(_OF_ADDRESSES))), len(before))
        released, self._held = text[len(before) : cut], text[cut:]
        self._coming, self._coming_length = [], 0
        if released:
            self._passed.append(released)
            self.shown += len(released)
        return released
