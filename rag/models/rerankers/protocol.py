"""The reranking seam: a question and the texts found for it in, a score for each out."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Reads each text together with the question, which a comparison of vectors does not. Safe to call from threads."""

    @property
    def name(self) -> str:
        """For people: provider and model, such as `http/bge-reranker-v2-m3`."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text, 0..1, higher is better; those of one call are comparable. Raises RerankerError."""
        ...
