"""An embedder without a model, for tests and benches: its vectors can be worked out by hand."""

import hashlib
from collections.abc import Sequence

import numpy as np

from rag.errors import EmbedderError
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.text.tokens import tokenize

_FLOOR = 1e-3  # so that a text without words has a direction too


class ScriptedEmbedder:
    """Each word points along one axis, forwards or backwards, and a text points where its words point together.

    So texts are near each other if they share words. `axis_of` says where a word points. It counts its `calls` (of
    `embed_documents`, with at least one text) and keeps the `texts` that it was given; the call whose number is
    `fails_at_call` raises EmbedderError. Embedders with different fingerprints give different vectors.

    >>> embedder = ScriptedEmbedder()
    >>> embedder.axis_of("harbour"), embedder.axis_of("lantern")
    ((2, -1), (1, 1))
    >>> vector = embedder.embed_query("Harbour, lantern!")
    >>> [(axis, round(float(vector[axis]), 2)) for axis in (1, 2)]
    [(1, 0.71), (2, -0.71)]
    """

    name, engine = "scripted/words", "numpy"
    equivalents: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        fingerprint: str = "0123456789abcdef",
        dimension: int = 16,
        max_tokens: int = 160,
        fails_at_call: int = 0,
    ) -> None:
        self.fingerprint = fingerprint
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.fails_at_call = fails_at_call
        self.calls = 0
        self.texts: list[str] = []

    def count_tokens(self, text: str) -> int:
        """Return the number of characters and two more, as for a model with special tokens at both ends."""
        return len(text) + 2

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a text, of shape (dimension,)."""
        vector = np.full(self.dimension, _FLOOR, dtype=np.float32)
        for word in tokenize(text):
            axis, sign = self.axis_of(word)
            vector[axis] += sign
        return vector / np.linalg.norm(vector)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return the vectors of texts, of shape (len(texts), dimension). Raises EmbedderError if told to."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        self.calls += 1
        if self.calls == self.fails_at_call:
            raise EmbedderError(f"{self.name} was told to fail at call {self.calls}")
        self.texts.extend(texts)
        matrix = np.stack([self.embed_query(text) for text in texts])
        on_embedded(range(len(texts)), matrix)
        return matrix

    def axis_of(self, word: str) -> tuple[int, int]:
        """Return the axis that a word points along, and 1 for forwards or -1 for backwards."""
        digest = hashlib.sha256(f"{self.fingerprint} {word}".encode()).digest()
        return digest[0] % self.dimension, 1 if digest[1] % 2 else -1
