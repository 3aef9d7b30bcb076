"""Any sentence-transformers model, by its name on the Hugging Face hub or by the path of a folder."""

import hashlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.errors import EmbedderError, EmbedderUnavailable, first_line
from rag.models.embedders.protocol import Matrix, Vector
from rag.models.pretrained import ModelFamily, load_pretrained
from rag.text.surrogates import replace_surrogates


class SentenceTransformersEmbedder:
    """Whatever `SentenceTransformer(model)` loads, with the prompts that the model itself declares.

    On a CPU texts are embedded one by one, on an accelerator in batches of `batch_size`.
    Text beyond `max_tokens` is cut off by the model.
    Raises EmbedderUnavailable, within seconds, if the model is neither on this machine nor to be had from the hub.
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
        self.fingerprint = hashlib.sha256(f"sentence-transformers\0{loaded.identity}".encode()).hexdigest()[:16]
        # encode_document takes the prompt named "document" even where it is empty, as it is by default, and the
        # model calls its own "passage".
        prompts = (self._model.prompts.get(name) for name in ("document", "passage", "corpus"))
        self._document_prompt: str = next(filter(None, prompts), "")
        # In a batch the neighbours change the last bits of a vector. On a CPU it gains little for that: from a
        # quarter faster, at the length of a chunk, to half as fast, at mixed lengths.
        self._batch_size = 1 if self._model.device.type == "cpu" else batch_size
        # Threads that share the tokenizer change its truncation under each other's hands: measured, wrong counts and
        # texts too long for the model. Taken per batch, it keeps no question waiting for an ingest.
        self._lock = threading.Lock()
        # The library loads a model without its vocabulary as if nothing were wrong.
        one, two = self.embed_query("one"), self.embed_query("two")
        self.dimension: int = one.shape[0]
        if np.array_equal(one, two):
            raise EmbedderUnavailable(
                f"embedding.model {model} gives every text the same vector; are its tokenizer files there?"
            )

    def count_tokens(self, text: str) -> int:
        with self._lock:
            tokens = self._model.tokenizer(replace_surrogates(self._document_prompt + text), truncation=False)
        return len(tokens["input_ids"])

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._embed(self._model.encode_query, [text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        batches = [texts[start : start + self._batch_size] for start in range(0, len(texts), self._batch_size)]
        matrices = [self._embed(self._model.encode_document, batch, prompt=self._document_prompt) for batch in batches]
        return np.vstack([np.empty((0, self.dimension), dtype=np.float32), *matrices])

    def _embed(self, encode: Any, texts: Sequence[str], **prompt: str) -> Matrix:
        try:
            with self._lock:
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
        # A bfloat16 model normalises in bfloat16, which leaves lengths 0.4 % off.
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbedderError(f"{self.name} gave a vector that is zero or not finite")
        return np.asarray(matrix / lengths, dtype=np.float32)


def _sentence_transformer() -> Any:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 takes 6 s

    return SentenceTransformer


_FAMILY = ModelFamily(
    setting="embedding.model",
    fallback="embedding.provider: builtin",
    unavailable=EmbedderUnavailable,
    # A cache that another tool filled, without modules.json, would load with the wrong pooling.
    marker="modules.json",
    owner="sentence-transformers",
    library_class=_sentence_transformer,
)
