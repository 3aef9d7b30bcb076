"""An embedder whose questions take turns: no more at a time than it can compute."""

from collections.abc import Sequence

from rag.blocking_work import Turns
from rag.models.embedders.protocol import Embedder, Matrix, OnEmbedded, Vector, ignore_embedded


class TurnTakingEmbedder:
    """The same embedder, with at most `places` questions of a caller at a time, and one more for another caller.

    The others wait, and those whose caller leaves meanwhile are never embedded: see `rag.blocking_work`.
    """

    def __init__(self, embedder: Embedder, places: int) -> None:
        self._embedder = embedder
        self._turns = Turns(places + 1, each=places)
        self.name = embedder.name
        self.fingerprint = embedder.fingerprint
        self.equivalents = embedder.equivalents
        self.engine = embedder.engine
        self.max_tokens = embedder.max_tokens

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        return self._embedder.dimension

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a document."""
        return self._embedder.count_tokens(text)

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1, when it is its turn."""
        with self._turns.turn():
            return self._embedder.embed_query(text)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix."""
        return self._embedder.embed_documents(texts, on_embedded)
