"""Any sentence-transformers model, by its name on the Hugging Face hub or by the path of a folder."""

import hashlib
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import StrictDataclassError
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
from safetensors import SafetensorError

from rag.embedders import Matrix, Vector
from rag.errors import EmbedderError, EmbedderUnavailable

HUB_TIMEOUT_SECONDS = 5.0
_WAY_OUT = "without a network set embedding.provider: builtin, or embedding.model: /path/to/a/downloaded/model"
_MODEL_FILES = {".json", ".txt", ".model", ".safetensors", ".bin"}
# What a missing, cut off or contradictory file of a model was seen to raise.
_LOADING_ERRORS = (
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
    TypeError,
    ValueError,
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
        limit = self._model.max_seq_length
        if not isinstance(limit, int):
            raise EmbedderUnavailable(
                f"embedding.model {model} does not say how many tokens it takes (max_seq_length: {limit}); "
                "choose a transformer model"
            )
        self.max_tokens = limit
        self.fingerprint = hashlib.sha256(f"sentence-transformers\0{identity}".encode()).hexdigest()[:16]
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
            tokens = self._model.tokenizer(_encodable(self._document_prompt + text), truncation=False)
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


def _load_by_name(model: str) -> tuple[Any, str]:
    """The model and what identifies it: its name and the commit on the hub that the cache holds."""
    if model.startswith(("/", ".", "~")) or model.count("/") > 1:
        raise EmbedderUnavailable(f"embedding.model {model}: no such folder; {_WAY_OUT}")
    # As the library itself reads a bare name.
    repository = model if "/" in model else f"sentence-transformers/{model}"
    loaded = _load_from_cache(model, repository)
    if loaded is None:
        _ask_hub(model, repository)
        loaded = _load(repository, name=model, local_files_only=False)
    return loaded, f"{model}\0{_cached_commit(repository, 'config.json')}"


def _load_from_cache(model: str, repository: str) -> Any | None:
    # A cache that another tool filled, without modules.json, would load with the wrong pooling.
    if _cached_commit(repository, "modules.json") is None:
        return None
    try:
        return _load(repository, name=model, local_files_only=True)
    except EmbedderUnavailable:  # a download that broke off; the hub has the rest
        return None


def _load(path: str, *, name: str, local_files_only: bool) -> Any:
    # The tokenizer's own threads win nothing beside torch's, and warn on stderr whenever the process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Before the import, because transformers decides there whether it draws progress bars.
    disable_progress_bars()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 takes 6 s

        for chatty in ("transformers", "sentence_transformers", "huggingface_hub"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        model = SentenceTransformer(path, local_files_only=local_files_only, trust_remote_code=False)
    except _LOADING_ERRORS as error:
        raise EmbedderUnavailable(
            f"embedding.model {name} cannot be loaded: {_first_line(error)}; "
            "download it again, or set embedding.provider: builtin"
        ) from error
    return model


def _ask_hub(model: str, repository: str) -> None:
    """Find out in one request whether the hub has the model; loading it would retry for over a minute first."""
    try:
        HfApi().model_info(repository, timeout=HUB_TIMEOUT_SECONDS)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise EmbedderUnavailable(
            f"embedding.model {model} is not a folder and not, or not completely, cached here, and the hub did not "
            f"give it ({type(error).__name__}: {_first_line(error)}); {_WAY_OUT}"
        ) from error


def _cached_commit(repository: str, file: str) -> str | None:
    try:
        path = try_to_load_from_cache(repository, file, cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"))
    except ValueError:  # not a possible name; asking the hub will say so
        return None
    return Path(path).parent.name if isinstance(path, str) else None


def _identity_of_folder(folder: Path) -> str:
    """A digest of configuration, vocabulary and weights, wherever the folder lies.

    Covers the whole content of every .json and .txt file and, so that gigabytes need not be read at every start,
    name, size and 16 samples of 64 KiB of every other file of the kinds that models are made of.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix not in _MODEL_FILES or any(part.startswith(".") for part in relative.parts):
            continue
        size = path.stat().st_size
        digest.update(f"{relative.as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            if path.suffix in {".json", ".txt"}:
                digest.update(file.read())
            for sample in range(16):
                file.seek(size * sample // 16)
                digest.update(file.read(65536))
    return digest.hexdigest()


def _encodable(text: str) -> str:
    """The tokenizer refuses half of a surrogate pair, as a JSON escape can smuggle in."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
