"""The shape of a collection and its rows, without Milvus's client."""

from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
"""A row as Milvus holds it, by field name."""


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar field. `max_bytes` bounds a text (a server counts bytes, Milvus Lite counts characters)."""

    name: str
    type: Literal["text", "integer", "json"]
    max_bytes: int = 512


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """The fields of a collection; the first is its primary key.

    BM25 searches `terms_field`, split at white space; "" stands for a collection without such a field. `dimension` is
    the length of its vectors: Milvus wants a vector in every collection.
    """

    fields: tuple[Field, ...]
    dimension: int
    terms_field: str = ""


@dataclass(frozen=True, slots=True)
class ReadTimestamp:
    """A time by the server's clock, as Milvus counts it: a read sees at least what was written before it."""

    timestamp: int = 0


LATEST = ReadTimestamp()
"""A read sees all that was written before it began."""
