"""An embedder that hands its vectors over in batches, refuses some texts, and waits when it is told to."""

import random
from collections.abc import Callable, Sequence

import numpy as np

from rag.errors import TextsRefused
from rag.models.embedders.protocol import Matrix, OnEmbedded, ignore_embedded
from rag.models.embedders.scripted import ScriptedEmbedder


class BatchEmbedder(ScriptedEmbedder):
    """Gives the vectors of a `ScriptedEmbedder`, in batches of `batch_size` and in an order that `seed` makes up.

    It refuses texts that hold the word `refuses`, and calls `before_batch` before each batch.
    """

    def __init__(
        self,
        *,
        batch_size: int = 3,
        seed: int = 0,
        refuses: str = "",
        before_batch: Callable[[], object] = lambda: None,
        fingerprint: str = "0123456789abcdef",
    ) -> None:
        super().__init__(fingerprint=fingerprint)
        self._batch_size = batch_size
        self._random = random.Random(seed)  # noqa: S311
        self._refuses = refuses
        self._before_batch = before_batch

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        refused = {number: "it smells" for number, text in enumerate(texts) if self._refuses and self._refuses in text}
        matrix = np.zeros((len(texts), self.dimension), np.float32)
        positions = [number for number in range(len(texts)) if number not in refused]
        self._random.shuffle(positions)
        for start in range(0, len(positions), self._batch_size):
            self._before_batch()
            batch = positions[start : start + self._batch_size]
            matrix[batch] = super().embed_documents([texts[number] for number in batch])
            on_embedded(batch, matrix[batch])
        if refused:
            raise TextsRefused(f"{self.name} cannot embed {len(refused)} texts", refused)
        return matrix
