"""The embedding seam: text in, unit vectors out."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]

CountTokens = Callable[[str], int]
"""`Embedder.count_tokens`, for what needs no more of an embedder."""


class Embedder(Protocol):
    """Turns text into vectors of length 1. Safe to call from several threads.

    Methods raise EmbedderError; nothing is retried by the caller.
    """

    @property
    def name(self) -> str:
        """For people: provider and model, such as `builtin/multilingual-e5-small`."""
        ...

    @property
    def fingerprint(self) -> str:
        """16 hex digits; two embedders with the same fingerprint give the same vectors for the same text."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """The longest text, in tokens as `count_tokens` counts, that is embedded whole."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens that `text` takes as a document, prefix and special tokens included. Never too few."""
        ...

    def embed_query(self, text: str) -> Vector:
        """One question as a float32 vector of shape (dimension,)."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Passages as a float32 matrix of shape (len(texts), dimension), row by row in the order given."""
        ...
