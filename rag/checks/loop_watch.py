"""Notice that a model repeats itself while it writes."""

from rag.retrieval.evidence import Evidence
from rag.text.loops import end_of_first_round

_EVERY = 64
"""A loop is looked for after so many characters, which takes some hundredths of a millisecond."""


class LoopWatch:
    """Watches the text of an answer from `evidence`; what the passages repeat is no loop."""

    def __init__(self, evidence: Evidence) -> None:
        self._known = evidence.text
        self._text = ""
        self._checked = 0

    def feed(self, text: str) -> bool:
        """Return whether everything fed so far ends in a loop. A loop may be noticed a little later."""
        self._text += text
        if len(self._text) - self._checked < _EVERY:
            return False
        self._checked = len(self._text)
        return end_of_first_round(self._text, self._known) is not None
