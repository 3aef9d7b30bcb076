"""Any sentence-transformers model, by its name on the Hugging Face hub or by the path of a folder."""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedders import Matrix, Vector
from rag.errors import EmbedderError, EmbedderUnavailable

HUB_TIMEOUT_SECONDS = 5.0
_WAY_OUT = (
    "without a network set embedding.provider: builtin, or embedding.model: /path/to/a/downloaded/model"
)


class SentenceTransformerEmbedder:
    """Whatever `SentenceTransformer(model)` loads, with the prompts that the model itself declares.

    On a CPU texts are embedded one by one, on an accelerator in batches of `batch_size`.
    Text beyond `max_tokens` is cut off by the model.
    Raises EmbedderUnavailable, within seconds, if the model is neither on this machine nor to be had from the hub.
    """

    def __init__(self, *, model: str, batch_size: int = 32) -> None:
        folder = Path(model).expanduser()
        if folder.is_dir():
            self.name = f"sentence-transformers/{folder.name}"
            self._model = _load(str(folder), name=model, local_files_only=True)
            identity = _identity_of_folder(folder)
        else:
            self.name = f"sentence-transformers/{model}"
            self._model, identity = _load_by_name(model)
        self.dimension: int = self._model.get_embedding_dimension()
        self.max_tokens: int = self._model.max_seq_length
        self.fingerprint = hashlib.sha256(f"sentence-transformers\0{identity}".encode()).hexdigest()[:16]
        # encode_document takes the prompt named "document" even where it is empty and the model calls its own
        # "passage", as the E5 family does.
        prompts = (self._model.prompts.get(name) for name in ("document", "passage", "corpus"))
        self._document_prompt: str = next(filter(None, prompts), "")
        # In a batch the padding, and so the neighbours, change the last bits of a vector, and on a CPU it gains
        # next to nothing: from 20 % faster at equal lengths to 100 % slower at mixed ones.
        self._batch_size = 1 if self._model.device.type == "cpu" else batch_size
        self._turn = _Turn()

    def count_tokens(self, text: str) -> int:
        with self._turn.taken():
            tokens = self._model.tokenizer(_encodable(self._document_prompt + text), truncation=False)
        return len(tokens["input_ids"])

    def embed_query(self, text: str) -> Vector:
        return self._embed(self._model.encode_query, [text])[0]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        batches = [texts[start : start + self._batch_size] for start in range(0, len(texts), self._batch_size)]
        matrices = [
            self._embed(self._model.encode_document, batch, prompt=self._document_prompt) for batch in batches
        ]
        return np.vstack([np.empty((0, self.dimension), dtype=np.float32), *matrices])

    def _embed(self, encode: Any, texts: Sequence[str], **prompt: str) -> Matrix:
        try:
            with self._turn.taken():
                raw = encode(
                    [_encodable(text) for text in texts],
                    batch_size=len(texts),
                    show_progress_bar=False,
                    normalize_embeddings=True,
                    **prompt,
                )
        except (RuntimeError, ValueError, IndexError) as error:  # out of memory, among others
            raise EmbedderError(f"{self.name} failed: {_first_line(error)}") from error
        matrix = np.asarray(raw, dtype=np.float32)
        # A bfloat16 model normalises in bfloat16, which leaves lengths 0.4 % off.
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbedderError(f"{self.name} gave a vector that is zero or not finite")
        return np.asarray(matrix / lengths, dtype=np.float32)


class _Turn:
    """A lock that goes to who waits, not back to who has just let go of it.

    A lock, because threads that share the tokenizer change its truncation and padding under each other's hands
    (measured: wrong token counts and ValueErrors). Turns, because an ingest that takes a plain lock once per batch
    keeps a question waiting for seconds.
    """

    def __init__(self) -> None:
        self._next = threading.Lock()
        self._running = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._next:
            self._running.acquire()
        try:
            yield
        finally:
            self._running.release()


def _load_by_name(model: str) -> tuple[Any, str]:
    """The model and what identifies it: its name and, where it is known, the commit on the hub."""
    # What the library itself does with a bare name.
    name = model if "/" in model else f"sentence-transformers/{model}"
    if model.startswith(("/", ".", "~")) or model.count("/") > 1:
        raise EmbedderUnavailable(f"embedding.model {model}: no such folder; {_WAY_OUT}")
    if _cached(name, "modules.json") is not None:
        # Without modules.json, a cache that another tool filled would load with the wrong pooling.
        try:
            loaded = _load(name, name=model, local_files_only=True)
        except EmbedderUnavailable:
            loaded = None
    _ask_hub(name)
    loaded = _load(name, name=model, local_files_only=False)
    return loaded, ""
