"""An embedder with any sentence-transformers model: a name on the Hugging Face hub or the path of a folder."""

import hashlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.errors import EmbedderError, EmbedderUnavailable
from rag.first_line import first_line
from rag.models.bfloat16 import has_bfloat16
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.models.native_calls import native_call
from rag.models.pretrained import ModelFamily, load_pretrained
from rag.text.surrogates import replace_surrogates

_BFLOAT16 = "torch.bfloat16"


class SentenceTransformersEmbedder:
    """Embeds with what `SentenceTransformer(model)` loads, and with the prompts that the model declares.

    On a CPU, texts are embedded one by one, in bfloat16 if the processor computes in it; on an accelerator, in batches
    of `batch_size`. The model cuts off text beyond `max_tokens`. The constructor raises EmbedderUnavailable within
    seconds if the model is neither on this machine nor available from the hub.
    """

    def __init__(self, *, model: str, batch_size: int = 32) -> None:
        loaded = load_pretrained(model, _FAMILY)
        self._model = loaded.model
        self.name = f"sentence-transformers/{loaded.name}"
        limit = self._model.max_seq_length
        if not isinstance(limit, int):
            raise EmbedderUnavailable(
                f"embedding.model {model} does not say how many tokens it takes (max_seq_length: {limit}); "
                "choose a transformer model"
            )
        self.max_tokens = limit
        device, as_it_is = self._model.device.type, str(self._model.dtype)
        # Two to three times as fast; the cosine to the vectors of float32 is above .999.
        is_converted = device == "cpu" and has_bfloat16() and as_it_is != _BFLOAT16
        if is_converted:
            self._model.bfloat16()
        own, converted = (_fingerprint(loaded.identity, *precision) for precision in ((), (_BFLOAT16,)))
        self.fingerprint = converted if is_converted else own
        self.equivalents = frozenset({own, converted}) - {self.fingerprint}
        self.engine = f"{self._model.dtype} ({device})"
        # encode_document uses the prompt named "document" even if it is empty, which is the default, while a model may
        # call its own "passage".
        prompts = (self._model.prompts.get(name) for name in ("document", "passage", "corpus"))
        self._document_prompt: str = next(filter(None, prompts), "")
        # In a batch, the other texts change the last bits of a vector. On a CPU a batch gains little: it is at most a
        # quarter faster for texts of a chunk's length, and half as fast for texts of mixed lengths.
        self._batch_size = 1 if device == "cpu" else batch_size
        # Threads that share the tokenizer change each other's truncation: measured, wrong counts and texts too long for
        # the model. The lock is taken for each batch, so a question does not wait for a whole ingest.
        self._lock = threading.Lock()
        # The library loads a model without its vocabulary and reports no error.
        one, two = self.embed_query("one"), self.embed_query("two")
        self.dimension: int = one.shape[0]
        if np.array_equal(one, two):
            raise EmbedderUnavailable(
                f"embedding.model {model} gives every text the same vector; check that its tokenizer files are there"
            )

    def count_tokens(self, text: str) -> int:
        """Count the tokens of `text` as a document, with the model's own tokenizer and without truncation."""
        with self._lock, native_call():
            tokens = self._model.tokenizer(replace_surrogates(self._document_prompt + text), truncation=False)
        return len(tokens["input_ids"])

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1."""
        vector: Vector = self._embed(self._model.encode_query, [text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given."""
        matrix = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), self._batch_size):
            batch = texts[start : start + self._batch_size]
            rows = slice(start, start + len(batch))
            matrix[rows] = self._embed(self._model.encode_document, batch, prompt=self._document_prompt)
            on_embedded(range(start, start + len(batch)), matrix[rows])
        return matrix

    def _embed(self, encode: Any, texts: Sequence[str], **prompt: str) -> Matrix:
        try:
            with self._lock, native_call():
                raw = encode(
                    [replace_surrogates(text) for text in texts],
                    batch_size=len(texts),
                    show_progress_bar=False,
                    normalize_embeddings=True,
                    **prompt,
                )
        except (RuntimeError, ValueError, IndexError) as error:  # out of memory, among others
            raise EmbedderError(f"{self.name} failed: {first_line(error)}") from error
        matrix = np.asarray(raw, dtype=np.float32)
        # A bfloat16 model normalises in bfloat16, so lengths are up to 0.4 % off.
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbedderError(f"{self.name} returned a vector that is zero or not finite")
        return np.asarray(matrix / lengths, dtype=np.float32)


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(("sentence-transformers", *parts)).encode()).hexdigest()[:16]


def _sentence_transformer() -> Any:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 (takes 6 s)

    return SentenceTransformer


_FAMILY = ModelFamily(
    setting="embedding.model",
    fallback="embedding.provider: builtin",
    unavailable=EmbedderUnavailable,
    # Another tool may have filled the cache without modules.json; the model would load with the wrong pooling.
    marker="modules.json",
    owner="sentence-transformers",
    library_class=_sentence_transformer,
)
