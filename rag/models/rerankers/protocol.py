"""The reranking seam: a question and the texts found for it in, one score for each text out."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Scores each text together with the question, which embeddings do not. Safe to call from several threads.

    >>> class CharacterReranker:
    ...     name = "example/characters"
    ...
    ...     def scores(self, question: str, texts: Sequence[str]) -> list[float]:
    ...         return [len(set(question) & set(text)) / len(set(question)) for text in texts]
    >>> reranker: Reranker = CharacterReranker()
    >>> reranker.scores("年假几天", ["年假五天", "会议室"])
    [0.75, 0.0]
    """

    @property
    def name(self) -> str:
        """Provider and model, for people, such as `http/bge-reranker-v2-m3`."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one score for each text, 0..1; higher is better. Only scores of one call can be compared.

        Raises RerankerError.
        """
        ...
