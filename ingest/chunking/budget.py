"""The limits of chunking: tokens of a chunk, seconds for a document."""

import time

from rag.errors import DocumentError
from rag.models.embedders.protocol import CountTokens
from rag.store.columns import MAX_CONTENT_BYTES

MIN_BUDGET_TOKENS = 16


class ChunkingDeadline:
    """The time by which one document must be chunked."""

    def __init__(self, source: str, timeout_seconds: float) -> None:
        self._source = source
        self._seconds = timeout_seconds
        self._end = time.monotonic() + timeout_seconds

    def check(self) -> None:
        """Raise DocumentError if the time is over."""
        if time.monotonic() > self._end:
            raise DocumentError(
                f"{self._source}: takes longer than {self._seconds:g} s to chunk (knowledge.max_seconds_per_document)"
            )


class ChunkBudget:
    """The tokens of content that fit into a chunk together with the context of its section.

    `max_tokens` is the limit of a whole chunk, `tokens` what is left of it for the content.
    """

    def __init__(self, count_tokens: CountTokens, context: str, max_tokens: int, deadline: ChunkingDeadline) -> None:
        self._deadline = deadline
        self._count = count_tokens
        self._context = context
        self._frame = count_tokens("")
        self.max_tokens = max_tokens
        self.tokens = max(max_tokens - self.cost(f"{context}\n") - self._frame, MIN_BUDGET_TOKENS)

    def cost(self, text: str) -> int:
        """Return the tokens of the text alone, without prefix and special tokens."""
        self._deadline.check()
        return max(self._count(text) - self._frame, 1) if text else 0

    def fits(self, content: str) -> bool:
        """Return whether the content and the context fit into one chunk."""
        return self.total(content) <= self.max_tokens

    def total(self, content: str) -> int:
        """Return the tokens of the whole chunk; over the limit if the content has more bytes than the store accepts."""
        self._deadline.check()
        if len(content) > MAX_CONTENT_BYTES // 4 and len(content.encode()) > MAX_CONTENT_BYTES:
            return self.max_tokens + 1
        return self._count(f"{self._context}\n{content}")
