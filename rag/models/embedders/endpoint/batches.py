"""How many texts go into one call of an endpoint."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class BatchSize:
    """The most texts, and tokens of all texts together, in one call. It shrinks when the endpoint refuses a batch.

    >>> size = BatchSize(texts=32, tokens=10)
    >>> waiting = deque([0, 1, 2])
    >>> size.take(waiting, [5, 5, 11], most_texts=32), size.take(waiting, [5, 5, 11], most_texts=32)
    ((0, 1), (2,))
    >>> size.refuse_texts(32, "batch size is invalid, it should not be larger than 10")
    >>> size.texts
    10
    """

    texts: int
    tokens: float

    def take(self, waiting: deque[int], tokens: Sequence[int], *, most_texts: int) -> tuple[int, ...]:
        """Take the first positions out of `waiting` that fit, and at least one.

        `tokens` holds the tokens of the text at each position; a batch has at most `most_texts` texts.
        """
        batch = [waiting.popleft()]
        total = tokens[batch[0]]
        while waiting and len(batch) < min(most_texts, self.texts):
            total += tokens[waiting[0]]
            if total > self.tokens:
                break
            batch.append(waiting.popleft())
        return tuple(batch)

    def refuse_texts(self, texts: int, reason: str) -> None:
        """Remember that a batch of so many texts is too large: half of it may fit, or the number in the reason."""
        named = [int(number) for number in re.findall(r"\d+", reason)]
        likely = [number for number in named if texts // 4 <= number < texts]
        self.texts = min(self.texts, max(likely, default=texts // 2), texts - 1)

    def refuse_tokens(self, tokens: int) -> None:
        """Remember that a batch of so many tokens, by our own count, is too large."""
        self.tokens = min(self.tokens, tokens / 2)
