"""From the body of an embedding endpoint's answer to unit vectors."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ValidationError

from rag.models.embedders.protocol import Matrix


class InvalidReply(Exception):
    """The body does not hold one vector for each text; the message says what it holds."""


def read_vectors(body: bytes, expected: int) -> Matrix:
    """Return a matrix of shape (expected, dimension): vectors of length 1, in the order of the texts.

    A vector that is zero or not finite becomes a row of NaN. Raises InvalidReply.
    """
    try:
        rows = _Reply.model_validate_json(body).data
    except ValidationError as error:
        start = " ".join(body[:80].decode("utf-8", "replace").split())
        raise InvalidReply(f"HTTP 200 without embeddings, beginning with {start!r}") from error
    if len(rows) != expected:
        raise InvalidReply(f"{len(rows)} vectors for {expected} texts")
    lengths = {len(row.embedding) for row in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise InvalidReply(f"vectors of different lengths: {sorted(lengths)}")
    raw = np.array([row.embedding for row in _in_order(rows)], dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        unit = np.where(np.isfinite(norms), raw / norms, np.nan)
    return np.asarray(unit, dtype=np.float32)


class _Row(BaseModel):
    index: int | None = None
    embedding: list[float | None]


class _Reply(BaseModel):
    data: list[_Row]


def _in_order(rows: Sequence[_Row]) -> Sequence[_Row]:
    # Gemini leaves out the index 0; some servers leave out all of them or send 0 each time, in the order of the texts.
    numbers = [row.index or 0 for row in rows]
    if not any(numbers):
        return rows
    if sorted(numbers) != list(range(min(numbers), min(numbers) + len(rows))):
        raise InvalidReply(f"vectors that are not numbered one after the other: {sorted(numbers)[:10]}")
    return [row for _, row in sorted(zip(numbers, rows, strict=True), key=lambda pair: pair[0])]
