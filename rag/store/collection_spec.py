"""The shape of a collection and its rows, without Milvus's client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    the length of its vectors: Milvus wants a vector in every collection, also in one where they are not searched.
    """

    fields: tuple[Field, ...]
    dimension: int
    terms_field: str = ""
    is_searched: bool = False


PAYLOADS_BY_KEY = CollectionSpec(fields=(Field("key", "text", 64), Field("payload", "json")), dimension=2)
"""A collection without vectors to search."""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How a server keeps and searches the vectors of a collection: see the settings of `store`."""

    kind: str = "AUTOINDEX"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search_parameters: Mapping[str, Any] = field(default_factory=dict)
    mmap: bool = False
    replicas: int = 1

    @property
    def identity(self) -> str:
        """What a collection is made with, apart from the parameters of a search; "" for the defaults."""
        made_with = (self.kind, dict(self.parameters), self.mmap, self.replicas)
        return "" if made_with == ("AUTOINDEX", {}, False, 1) else json.dumps(made_with, sort_keys=True)


@dataclass(frozen=True, slots=True)
class ReadTimestamp:
    """A time by the server's clock, as Milvus counts it: a read sees at least what was written before it."""

    timestamp: int = 0


LATEST = ReadTimestamp()
"""A read sees all that was written before it began."""
