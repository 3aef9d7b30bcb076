"""The embedding seam: text in, unit vectors out."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]

CountTokens = Callable[[str], int]
"""`Embedder.count_tokens`, for code that needs nothing else of an embedder."""


OnEmbedded = Callable[[Sequence[int], Matrix], object]
"""Called with positions in the list of texts, and a matrix with a row for each of them; there may be none."""


def ignore_embedded(positions: Sequence[int], vectors: Matrix) -> None:
    """An OnEmbedded for callers that only want the whole matrix."""


class Embedder(Protocol):
    """Turns text into vectors of length 1. Safe to call from several threads.

    The methods raise EmbedderError. An embedder retries on its own, so callers do not.

    >>> class AxisEmbedder:
    ...     '''Puts every text on the axis of its length.'''
    ...
    ...     name, engine, dimension, max_tokens = "example/axis", "numpy", 8, 512
    ...     fingerprint, equivalents = "0123456789abcdef", frozenset()
    ...
    ...     def count_tokens(self, text: str) -> int:
    ...         return len(text)
    ...
    ...     def embed_query(self, text: str) -> Vector:
    ...         return self.embed_documents([text])[0]
    ...
    ...     def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
    ...         vectors = np.eye(self.dimension, dtype=np.float32)[[len(text) % self.dimension for text in texts]]
    ...         on_embedded(range(len(texts)), vectors)
    ...         return vectors
    >>> embedder: Embedder = AxisEmbedder()
    >>> passages = embedder.embed_documents(["向量", "数据库"])
    >>> passages.shape
    (2, 8)
    >>> int((passages @ embedder.embed_query("检索器")).argmax())  # the cosine of unit vectors is their product
    1
    """

    @property
    def name(self) -> str:
        """Provider and model, for people, such as `builtin/multilingual-e5-small`."""
        ...

    @property
    def fingerprint(self) -> str:
        """16 hex digits. Two embedders with the same fingerprint give the same vector for the same text."""
        ...

    @property
    def equivalents(self) -> frozenset[str]:
        """Fingerprints of the same model in another engine or precision, with all but the same vectors.

        An index with one of them can be searched; the next ingest rebuilds it.
        """
        ...

    @property
    def engine(self) -> str:
        """What computes the vectors, for people, such as `OpenVINO`."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text that is embedded as a whole, in tokens as `count_tokens` counts them."""
        ...

    def count_tokens(self, text: str) -> int:
        """Count the tokens of `text` as a document, prefix and special tokens included. Never returns too few."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Return one question as a float32 vector of shape (dimension,).

        A question that is longer than `max_tokens` costs no more than one that is not: its beginning is embedded.
        """
        ...

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as a float32 matrix of shape (len(texts), dimension), row by row in the order given.

        `on_embedded` is called in this thread with each batch as soon as it is ready, in any order, so that nothing is
        lost if a later batch fails; what it raises ends the call. While a remote model is waited for, it is called
        without positions twice a second. Raises TextsRefused, after all other texts went to `on_embedded`, if the model
        cannot embed some of them.
        """
        ...


def can_search(embedder: Embedder, fingerprint: str) -> bool:
    """Return whether questions of the embedder find their passages in an index that has this fingerprint."""
    return fingerprint == embedder.fingerprint or fingerprint in embedder.equivalents
