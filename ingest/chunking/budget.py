"""How many tokens a chunk may have, and how long the cutting of a document may take."""

import time

from rag.errors import DocumentError
from rag.models.embedders.protocol import CountTokens
from rag.store.columns import MAX_CONTENT_BYTES

MIN_BUDGET_TOKENS = 16


class ChunkingDeadline:
    """When the cutting of one document must be done."""

    def __init__(self, source: str, timeout_seconds: float) -> None:
        self._source = source
        self._seconds = timeout_seconds
        self._end = time.monotonic() + timeout_seconds

    def check(self) -> None:
        """Raises DocumentError once it is over."""
        if time.monotonic() > self._end:
            raise DocumentError(
                f"{self._source}: takes longer than {self._seconds:g} s to cut (knowledge.max_seconds_per_document)"
            )


class ChunkBudget:
    """How many tokens of content fit beside the context of a section."""

    def __init__(self, count_tokens: CountTokens, context: str, max_tokens: int, deadline: ChunkingDeadline) -> None:
        self._deadline = deadline
        self._count = count_tokens
        self._context = context
        self._frame = count_tokens("")
        self.max_tokens = max_tokens
        self.tokens = max(max_tokens - self.cost(f"{context}\n") - self._frame, MIN_BUDGET_TOKENS)

    def cost(self, text: str) -> int:
        """Tokens of the text alone, without prefix and special tokens."""
        self._deadline.check()
        return max(self._count(text) - self._frame, 1) if text else 0

    def fits(self, content: str) -> bool:
        return self.total(content) <= self.max_tokens

    def total(self, content: str) -> int:
        """Tokens of the whole chunk; over the limit for more bytes than the store takes."""
        self._deadline.check()
        if len(content) > MAX_CONTENT_BYTES // 4 and len(content.encode()) > MAX_CONTENT_BYTES:
            return self.max_tokens + 1
        return self._count(f"{self._context}\n{content}")
