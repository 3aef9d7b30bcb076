"""Buffer a line of streamed text: how much of it cannot change any more, whatever follows."""

import re
import string

from rag.text.character_references import REFERENCE_PATTERN
from rag.text.urls import HOST_PATTERN, URL_PATTERN

_ADDRESS_CHARACTERS = string.ascii_letters + string.digits + "+.@_:/?\\~-"
_ADDRESS_CHARACTER = f"[{re.escape(_ADDRESS_CHARACTERS)}]"
# Where a link, HTML or an address may begin. A marker is none once it is known that no address follows it.
_SUSPECT = re.compile(
    r"!(?=\[|\Z)|\[(?!(?:\d{1,4}\]\[)*\d{1,4}\][^(\[:])|\](?=[(:]|\Z)|<(?=[A-Za-z/!?]|\Z)"
    rf"|{URL_PATTERN.pattern}|(?i:{HOST_PATTERN.pattern})"
    rf"|(?<!{_ADDRESS_CHARACTER}){_ADDRESS_CHARACTER}*?(?:{REFERENCE_PATTERN.pattern}|&#?[A-Za-z0-9]{{0,31}}\Z)"
)
# A host name with a port or a query, which may be in any language.
_UNFINISHED_ADDRESS = re.compile(r"(?<![A-Za-z0-9.-])(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?::\d+)?(?:\?\w*)?\Z")
_RESCAN_FRACTION = 8
"""Text that is held back is scanned again once it has grown by an eighth, so that all scans take linear time."""


class LinkBuffer:
    """Holds the text of one line, and releases it from the left as far as no link can begin there.

    Takes time linear in the length of the line, in however many pieces the line comes.
    """

    def __init__(self) -> None:
        self._passed: list[str] = []
        self._held_back = ""
        self._incoming: list[str] = []
        self._incoming_length = 0
        self.released = 0
        """How many characters of the line have been released."""

    @property
    def text(self) -> str:
        """The whole line as it was added."""
        return "".join([*self._passed, self._held_back, *self._incoming])

    def add(self, piece: str) -> None:
        """Append a piece of the line."""
        self._incoming.append(piece)
        self._incoming_length += len(piece)

    def advance(self) -> str:
        """Return the next part before anything that is, or may become, a link, HTML or an address."""
        if self._incoming_length <= len(self._held_back) // _RESCAN_FRACTION:
            return ""
        before = self._passed[-1][-1:] if self._passed else ""
        text = before + self._held_back + "".join(self._incoming)
        suspect = _SUSPECT.search(text, len(before))
        unfinished = _UNFINISHED_ADDRESS.search(text, len(before))
        cut = min(match.start() if match else len(text) for match in (suspect, unfinished))
        cut = max(min(cut, len(text.rstrip(_ADDRESS_CHARACTERS))), len(before))
        certain, self._held_back = text[len(before) : cut], text[cut:]
        self._incoming, self._incoming_length = [], 0
        if certain:
            self._passed.append(certain)
            self.released += len(certain)
        return certain
