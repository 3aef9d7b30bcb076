"""Text without the characters that a reader does not see and a model, a terminal or a search does.

Left out are controls, zero-width and bidirectional characters, fillers, tags and variation selectors, except where a
script or an emoji needs them: joiners between the letters of scripts that join, and within emoji; a variation selector
right after an emoji; Mongolian selectors after a Mongolian letter. One that is kept always stands between characters
that are seen, so no text can be hidden in a run of them.
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
# They end a line to some programs and not to others; as a space they neither join words nor move line numbers.
_LINE_SEPARATOR = "[\u2028\u2029]"
_UNSEEN = re.compile(f"(?P<needed>{_NEEDED})|(?P<separator>{_LINE_SEPARATOR})|{_INVISIBLE}")
_UNDECIDED = ("\u200c", "\u200d")
_LOOKS_BACK = 2


def remove_invisible(text: str) -> str:
    """`text` without invisible characters; line ends, tabs and whatever is seen stay as they are."""
    return _UNSEEN.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    return match["needed"] or (" " if match["separator"] else "")


class InvisibleFilter:
    """`visible` for streamed text: the pieces returned make up what it returns for the whole."""

    def __init__(self) -> None:
        self._before = ""
        self._held = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        self._held = text[-1:] if text.endswith(_UNDECIDED) else ""
        return self._clean(text.removesuffix(self._held))

    def finish(self) -> str:
        held, self._held = self._held, ""
        return self._clean(held)

    def _clean(self, text: str) -> str:
        clean = remove_invisible(self._before + text)[len(remove_invisible(self._before)) :]
        self._before = (self._before + text)[-_LOOKS_BACK:]
        return clean
