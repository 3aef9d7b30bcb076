"""Chunks and their vectors, brought together and written in batches."""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from ingest.staging.staging import Staging
from rag.models.embedders.protocol import Matrix, Vector
from rag.store.columns import text_hash
from rag.store.failpoints import reach_failpoint
from rag.types import Chunk

_SECONDS_UNTIL_WRITTEN = 1.0


class ChunkWriter:
    """Writes chunks soon after their vectors are made: when there are `batch_size`, and at least once a second.

    What is written survives a crash, so that the next ingest need not embed it. Chunks whose vectors the store has
    already wait for the next write. Methods raise StoreError.
    """

    def __init__(self, staging: Staging, *, batch_size: int) -> None:
        self._staging = staging
        self._batch_size = batch_size
        self._waiting: dict[str, list[Chunk]] = {}
        self._chunks: list[Chunk] = []
        self._vectors: list[Vector] = []
        # Of the chunks that are not written yet: the store does not know their vectors.
        self._vector_of: dict[str, Vector] = {}
        self._last_write = time.monotonic()
        self._refused: dict[str, str] = {}

    def put(self, chunks: Sequence[Chunk]) -> dict[str, str]:
        """Take chunks to write. Return the texts, by hash, whose vectors must be made for it."""
        texts: dict[str, str] = {}
        by_text: dict[str, list[Chunk]] = {}
        for chunk in chunks:
            key = text_hash(chunk.searchable_text)
            texts[key] = chunk.searchable_text
            by_text.setdefault(key, []).append(chunk)
        for key in by_text.keys() & self._refused.keys():
            del by_text[key]
        unknown = [key for key in by_text if key not in self._waiting and key not in self._vector_of]
        known = self._staging.vectors_by_text_hash(unknown)
        new = {key: texts[key] for key in unknown if key not in known}
        for key, same in by_text.items():
            vector = known.get(key, self._vector_of.get(key))
            if vector is None:
                self._waiting.setdefault(key, []).extend(same)
            else:
                self._add(key, same, vector)
        return new

    def take_vectors(self, keys: Sequence[str], vectors: Matrix) -> None:
        """Take the vectors of texts that `put` asked for."""
        reach_failpoint("embedded")
        for key, vector in zip(keys, vectors, strict=True):
            self._add(key, self._waiting.pop(key), vector)
            if len(self._chunks) >= self._batch_size or time.monotonic() - self._last_write > _SECONDS_UNTIL_WRITTEN:
                self.flush()

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Give up the texts, by hash, that the model cannot embed."""
        self._refused.update(reasons)
        for key in reasons:
            self._waiting.pop(key, None)

    def refusal_of(self, chunk: Chunk) -> str | None:
        """Return why the text of a chunk cannot be embedded; None if it can."""
        return self._refused.get(text_hash(chunk.searchable_text)) if self._refused else None

    def flush(self) -> None:
        """Write all chunks that have their vectors."""
        if self._chunks:
            self._staging.insert_chunks(self._chunks, np.stack(self._vectors))
        self._chunks, self._vectors, self._vector_of = [], [], {}
        self._last_write = time.monotonic()

    def _add(self, key: str, chunks: Sequence[Chunk], vector: Vector) -> None:
        self._chunks += chunks
        self._vectors += [vector] * len(chunks)
        self._vector_of[key] = vector
