"""From the body of an embedding endpoint's answer to unit vectors."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.models.embedders.protocol import Matrix


class InvalidReply(Exception):
    """The body does not hold one vector for each text; the message says what it holds."""


def read_vectors(body: bytes, expected: int) -> Matrix:
    """Return a matrix of shape (expected, dimension): vectors of length 1, in the order of the texts.

    A vector that is zero or not finite becomes a row of NaN. Raises InvalidReply.
    """
    try:
        rows = _find_rows(json.loads(body))
    except (ValueError, TypeError) as error:
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


@dataclass(frozen=True, slots=True)
class _Row:
    index: int | None
    embedding: list[float | None]


def _find_rows(value: Any) -> list[_Row]:
    """Return the rows of an answer in any of the forms in use. Raises ValueError or TypeError.

    OpenAI and most others: `data`; Ollama and Cohere: `embeddings`; TEI: a bare list; DashScope: `output.embeddings`.
    """
    if isinstance(value, dict):
        inner = next((value[name] for name in ("data", "embeddings", "output") if value.get(name) is not None), None)
        if isinstance(inner, dict) and "float" in inner:
            inner = inner["float"]
        if inner is None and isinstance(value.get("embedding"), list | str):
            return [_Row(None, _numbers(value["embedding"]))]
        return _find_rows(inner)
    if not isinstance(value, list):
        raise TypeError("no list of embeddings")
    if value and all(isinstance(row, int | float) for row in value):
        return [_Row(None, _numbers(value))]
    return [_read_row(row) for row in value]


def _read_row(row: Any) -> _Row:
    if not isinstance(row, dict):
        return _Row(None, _numbers(row))
    number = next((row[name] for name in ("index", "text_index") if isinstance(row.get(name), int)), None)
    return _Row(number, _numbers(row["embedding"] if "embedding" in row else row.get("values")))


def _numbers(value: Any) -> list[float | None]:
    """Return a vector: a list of numbers, one in a list of its own (llama.cpp), or float32 in base64."""
    if isinstance(value, str):
        return [float(number) for number in np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4")]
    if not isinstance(value, list):
        raise TypeError("an embedding that is no list of numbers")
    if len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return [None if number is None else float(number) for number in value]


def _in_order(rows: Sequence[_Row]) -> Sequence[_Row]:
    # Gemini leaves out the index 0; some servers leave out all of them or send 0 each time, in the order of the texts.
    numbers = [row.index or 0 for row in rows]
    if not any(numbers):
        return rows
    if sorted(numbers) != list(range(min(numbers), min(numbers) + len(rows))):
        raise InvalidReply(f"vectors that are not numbered one after the other: {sorted(numbers)[:10]}")
    return [row for _, row in sorted(zip(numbers, rows, strict=True), key=lambda pair: pair[0])]
