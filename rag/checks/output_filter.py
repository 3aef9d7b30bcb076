"""Filter the text that a chat model writes before a reader gets it, piece by piece."""

import re

from rag.chat.prompt import DECLINED
from rag.checks.text_gate import TextGate
from rag.retrieval.evidence import Evidence
from rag.text.invisible import remove_invisible

_DECORATION = re.compile(r"\A[\W_]+")
_DECLINED_IN_WORDS = DECLINED.replace("_", " ")


class OutputFilter:
    """Passes a model's answer through a TextGate.

    If the text begins by declining the question, in whatever decoration, nothing passes and `declined` is True.
    """

    def __init__(self, evidence: Evidence, *, instructions: str = "", is_quoted: bool = False) -> None:
        self._gate = TextGate(evidence, instructions=instructions, is_quoted=is_quoted)
        self._beginning: list[str] = []
        self._bare_beginning = ""
        self._has_begun = False
        self.declined = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come but white space and decoration."""
        return not self._has_begun and not self._bare_beginning

    @property
    def unfinished_characters(self) -> int:
        """How much text the next piece may finish, which is what its work grows with."""
        return self._gate.unfinished_characters + sum(map(len, self._beginning)) * (not self._has_begun)

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        if self._has_begun:
            return self._gate.feed(text)
        if self.declined:
            return ""
        self._beginning.append(text)
        self._bare_beginning = _strip_decoration(remove_invisible(self._bare_beginning + text))
        if _may_decline(self._bare_beginning):
            self.declined = _declines(self._bare_beginning)
            return ""
        self._has_begun = True
        return self._gate.feed("".join(self._beginning))

    def finish(self) -> str:
        """Return what was held back until the end of the stream.

        A text that ends while it may still be declining counts as declining.
        """
        if not self._has_begun:
            self.declined = True
            return ""
        return self._gate.finish()


def _may_decline(beginning: str) -> bool:
    return _declines(beginning) or DECLINED.startswith(beginning.upper()) or _DECLINED_IN_WORDS.startswith(beginning)


def _declines(beginning: str) -> bool:
    return beginning.upper().startswith(DECLINED) or beginning.startswith(_DECLINED_IN_WORDS)


def _strip_decoration(beginning: str) -> str:
    """Remove quotation marks, asterisks and the like from the front, and the backslashes of Markdown's escapes."""
    return _DECORATION.sub("", beginning.replace("\\", ""))
