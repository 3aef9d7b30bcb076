"""Removal of invisible characters: a reader does not see them, but a model, a terminal or a search does.

Controls, zero-width and bidirectional characters, fillers, tags and variation selectors are removed. Those that a
script or an emoji needs stay: joiners between the letters of joining scripts and within an emoji, a variation selector
right after an emoji, a Mongolian selector after a Mongolian letter. They stay only next to visible characters, so that
a run of them cannot hide a message.
"""

import re

_EMOJI = "#*0-9\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINED = "\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17dd\u1820-\u18aa\ufb50-\ufdff\ufe70-\ufefc"
_NEEDED = (
    f"(?<=[{_EMOJI}])[\ufe0e\ufe0f]"
    f"|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180d]"
)
_INVISIBLE = (
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Some programs take them for the end of a line and others do not. A space neither joins words nor moves line numbers.
_LINE_SEPARATOR = "[\u2028\u2029]"
_UNSEEN = re.compile(f"(?P<needed>{_NEEDED})|(?P<separator>{_LINE_SEPARATOR})|{_INVISIBLE}")
_ANY = re.compile(f"{_INVISIBLE}|{_LINE_SEPARATOR}")
_JOINERS = ("\u200c", "\u200d")
_LOOKBEHIND_CHARACTERS = 2


def remove_invisible(text: str) -> str:
    """Return `text` without invisible characters; line ends, tabs and visible characters are unchanged."""
    # Most text has none of them, which is known in a tenth of the time.
    return _UNSEEN.sub(_replacement, text) if _ANY.search(text) else text


def _replacement(match: re.Match[str]) -> str:
    return match["needed"] or (" " if match["separator"] else "")


class InvisibleFilter:
    """`remove_invisible` for a stream: the returned pieces, joined, equal its result for the whole text."""

    def __init__(self) -> None:
        self._before = ""
        self._held = ""

    def feed(self, text: str) -> str:
        """Return the next piece without invisible characters. A joiner at its end is held back for the next call."""
        text = self._held + text
        self._held = text[-1:] if text.endswith(_JOINERS) else ""
        return self._clean(text.removesuffix(self._held))

    def finish(self) -> str:
        """Return the rest when the stream has ended."""
        held, self._held = self._held, ""
        return self._clean(held)

    def _clean(self, text: str) -> str:
        clean = remove_invisible(self._before + text)[len(remove_invisible(self._before)) :]
        self._before = (self._before + text)[-_LOOKBEHIND_CHARACTERS:]
        return clean
