"""Vectors of questions by which those that ask for the same thing are close, in whichever language they ask it."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from rag.errors import TextsRefused
from rag.gaps.everyday_questions import EVERYDAY_QUESTIONS
from rag.models.embedders.protocol import Embedder, Matrix, Vector
from rag.text.language import detect_language

MIN_SIMILARITY = 0.2
"""Groups whose vectors are on average at least this similar ask for the same thing: `python -m bench.gaps` fits it."""

_MOST_OF_ITS_OWN = 8
"""The questions themselves count as at most so many in the mean of their language, beside the 24 everyday ones: they
share the subject of the documents. If most of them ask for one thing, they must not take it for what all share."""
_TINY = 1e-9


class QuestionVectors:
    """Embeds questions, and keeps the vectors of the last call. For one thread at a time.

    An embedder puts all questions of a language close together, and the same question in two languages apart. So from
    each vector the mean of its language is subtracted: what is left is what a question is about, on a scale that does
    not depend on the embedder (Libovický et al., 2020).
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vector] = {}

    def of(self, questions: Sequence[str]) -> Matrix:
        """Return a row of length 1 for each question; zeros if the embedder refuses it. Raises EmbedderError."""
        everyday = [question for some in EVERYDAY_QUESTIONS.values() for question in some]
        self._known = known = self._embedded([*everyday, *questions])
        vectors = np.array([known[question] for question in questions]).reshape(len(questions), -1)
        languages = np.array([detect_language(question) for question in questions])
        for language, ordinary in EVERYDAY_QUESTIONS.items():
            rows = (languages == language) & vectors.any(axis=1)
            if rows.any():
                vectors[rows] -= _mean(np.array([known[question] for question in ordinary]), vectors[rows])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, _TINY), dtype=np.float32)

    def _embedded(self, questions: Sequence[str]) -> dict[str, Vector]:
        """Return the vector of each question; those of the last call are known."""
        found = {question: self._known[question] for question in questions if question in self._known}
        unknown = [question for question in dict.fromkeys(questions) if question not in found]
        if not unknown:
            return found
        matrix = np.zeros((len(unknown), self._embedder.dimension), dtype=np.float32)

        def keep(positions: Sequence[int], vectors: Matrix) -> None:
            matrix[list(positions)] = vectors

        with suppress(TextsRefused):  # all others have been kept
            self._embedder.embed_documents(unknown, keep)
        return found | dict(zip(unknown, matrix, strict=True))


def _mean(everyday: Matrix, own: Matrix) -> Vector:
    """Return the mean of a language: of the everyday questions, and of its own as if they were a few."""
    weight = min(len(own), _MOST_OF_ITS_OWN)
    mean = (everyday.sum(axis=0) + weight * own.mean(axis=0)) / (len(everyday) + weight)
    return np.asarray(mean, dtype=np.float32)
