"""What is said to Milvus, without Milvus: rows, the shape of collections, and values in expressions."""

import json
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from rag.errors import FilterError

Row = dict[str, Any]
"""A row as Milvus holds it, by field name."""


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar column. `max_bytes` bounds a text (bytes on a server, characters on Lite)."""

    name: str
    type: Literal["text", "integer", "json"]
    max_bytes: int = 512


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """A collection's shape: the first field is the key; `terms_field` is searched by BM25, white-space analysed."""

    fields: tuple[Field, ...]
    dimension: int
    terms_field: str = ""


@dataclass(frozen=True, slots=True)
class ReadTimestamp:
    """A time by the server's clock, as Milvus counts it: what a read must see at least."""

    timestamp: int = 0


LATEST = ReadTimestamp()
"""Whenever the read begins."""


def quote_value(value: str | int | float | bool) -> str:
    """A value as it stands in a Milvus expression; whatever it holds, it stays one value.

    Raises FilterError for control characters, halves of surrogate pairs, and numbers that are not finite.
    """
    if isinstance(value, str) and any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        raise FilterError(f"{value!r} holds a control character")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise FilterError(f"{value!r} is not a finite number") from error
