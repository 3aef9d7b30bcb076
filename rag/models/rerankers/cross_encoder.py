"""A reranker with any sentence-transformers cross-encoder: a name on the Hugging Face hub or the path of a folder."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.errors import RerankerError, RerankerUnavailable
from rag.first_line import first_line
from rag.models.native_calls import native_call
from rag.models.pretrained import ModelFamily, load_pretrained
from rag.text.surrogates import replace_surrogates


class CrossEncoderReranker:
    """Scores with what `CrossEncoder(model)` loads, if that was trained to give one score for a pair of texts.

    The model cuts off a pair beyond its limit. The constructor raises RerankerUnavailable within seconds if the model
    is neither on this machine nor available from the hub, or if it is not a reranker.
    """

    def __init__(self, *, model: str) -> None:
        loaded = load_pretrained(model, _FAMILY)
        self._model = loaded.model
        self.name = f"cross-encoder/{loaded.name}"
        # The library gives a model that is not a reranker a last layer of random numbers, and reports no error.
        architectures = getattr(self._model.config, "architectures", None) or ["of an unknown kind"]
        labels = self._model.num_labels
        if not architectures[0].endswith(("ForSequenceClassification", "ForCausalLM")) or labels != 1:
            raise RerankerUnavailable(
                f"rerank.model {model} is not a reranker ({architectures[0]}, scores for a pair: {labels}); "
                "choose one such as BAAI/bge-reranker-v2-m3, or set rerank.provider: none"
            )
        # Threads that share the tokenizer change each other's truncation.
        self._lock = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one score for each text, 0..1. Raises RerankerError."""
        if not texts:
            return []
        from torch.nn import Sigmoid  # noqa: PLC0415 (already loaded with the model)

        pairs = [(replace_surrogates(question), replace_surrogates(text)) for text in texts]
        try:
            with self._lock, native_call():
                # Only some models declare an activation; this one gives 0..1 for all of them.
                raw = self._model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False)
        except (RuntimeError, ValueError, IndexError) as error:  # out of memory, among others
            raise RerankerError(f"{self.name} failed: {first_line(error)}") from error
        scores = np.asarray(raw, dtype=np.float64)
        if scores.shape != (len(texts),) or not np.isfinite(scores).all():
            raise RerankerError(f"{self.name} returned scores that are not finite, or not one for each text")
        return [float(score) for score in scores]


def _cross_encoder() -> Any:
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 (takes 6 s)

    return CrossEncoder


_FAMILY = ModelFamily(
    setting="rerank.model",
    fallback="rerank.provider: none",
    unavailable=RerankerUnavailable,
    marker="config.json",
    owner="",
    library_class=_cross_encoder,
)
