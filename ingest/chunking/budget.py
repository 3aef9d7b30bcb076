"""The limits of chunking: tokens of a chunk, seconds for a document."""

import time
from collections.abc import Callable, Sequence

from rag.errors import DocumentError
from rag.models.embedders.protocol import CountTokens
from rag.soft_breaks import join_soft_breaks
from rag.store.columns import MAX_CONTENT_BYTES

MIN_BUDGET_TOKENS = 16
_JOINT = "\n\n"


class DocumentTokens:
    """Counts the tokens of the texts of one document. Counting is most of the work of chunking.

    Methods raise DocumentError once `timeout_seconds` are over.
    """

    def __init__(self, count_tokens: CountTokens, source: str, timeout_seconds: float) -> None:
        self._count_tokens = count_tokens
        self._source = source
        self._seconds = timeout_seconds
        self._end = time.monotonic() + timeout_seconds
        self._costs: dict[str, int] = {"": 0}
        self.frame = self.count("")

    def count(self, text: str) -> int:
        """Return the tokens of a whole chunk, prefix and special tokens included."""
        if time.monotonic() > self._end:
            raise DocumentError(
                f"{self._source}: takes longer than {self._seconds:g} s to chunk (knowledge.max_seconds_per_document)"
            )
        return self._count_tokens(text)

    def cost(self, text: str) -> int:
        """Return the tokens of the text alone, without prefix and special tokens; each text is counted once."""
        known = self._costs.get(text)
        if known is None:
            known = self._costs[text] = max(self.count(join_soft_breaks(text)) - self.frame, 1)
        return known


class ChunkBudget:
    """The tokens of content that fit into a chunk together with the context of its section.

    `max_tokens` is the limit of a whole chunk, `tokens` what is left of it for the content.
    """

    def __init__(self, document: DocumentTokens, context: str, max_tokens: int) -> None:
        self._document = document
        self._context = context
        self.max_tokens = max_tokens
        self._content_tokens = max_tokens - document.cost(f"{context}\n") - document.frame
        self.tokens = max(self._content_tokens, MIN_BUDGET_TOKENS)
        self.cost = document.cost

    def fits(self, content: str) -> bool:
        """Return whether the content and the context fit into one chunk."""
        return self.total(content) <= self.max_tokens

    def fit_together(self, parts: Sequence[str], content: Callable[[], str]) -> bool:
        """Return whether a content fits that is made of parts, with at most a blank line between two of them.

        The content is only counted if adding up its parts does not decide: where two parts meet, a tokenizer may find a
        token more or less than in the parts alone, and it may count the blank line.
        """
        joints = len(parts)  # the first part meets the context
        tokens = sum(self.cost(part) for part in parts)
        if tokens - joints > self._content_tokens:
            return False
        most = tokens + joints * (1 + self.cost(_JOINT))
        if most <= self._content_tokens and sum(map(len, parts)) + 2 * joints <= MAX_CONTENT_BYTES // 4:
            return True
        return self.fits(content())

    def total(self, content: str) -> int:
        """Return the tokens of the whole chunk; over the limit if the content has more bytes than the store accepts."""
        if len(content) > MAX_CONTENT_BYTES // 4 and len(content.encode()) > MAX_CONTENT_BYTES:
            return self.max_tokens + 1
        return self._document.count(f"{self._context}\n{join_soft_breaks(content)}")
