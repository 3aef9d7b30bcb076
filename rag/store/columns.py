"""The columns of a chunk, declared once.

From this table follow the shape of the collection, how rows are written and read, what a filter can compare, the
version of the schema, and the columns of a backup. To add a column:

1. Add a row to `CHUNK_COLUMNS` whose `since` is one more than the newest. An index that lacks the column is still
   read, with the column's default, and the next ingest builds a new namespace that takes the vectors over.
2. If readers get the value back, add an attribute to `rag.types.Chunk`, with a default, and name it in the row.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from rag.errors import StoreError
from rag.store.collection_spec import Field
from rag.store.filter_keys import filter_keys_of
from rag.text.tokens import tokenize
from rag.types import Chunk

ColumnKind = Literal["text", "number", "texts", "mapping"]
"""What a value is in Python: a str, an int, a tuple of str, or a mapping that JSON can express."""

MAX_CONTENT_BYTES = 65_000
"""The longest content of a chunk that the store takes, in UTF-8."""

TERMS_COLUMN = "terms"
"""The terms by which a chunk is found, in the order of its text."""
_TEXT_BYTES = 65_535  # the longest text that Milvus takes
_PATH_BYTES = 4096
_REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the chunk collection.

    `attribute` names the attribute of `Chunk` that a reader gets the value back in; without one the value is only
    filtered or searched. `derive` works the value out from the chunk; without it the value is that of the attribute.
    `filtered_as` says how a filter reaches the column: by its name and with values of this kind, or by the keys of a
    document's front matter. `since` is the first version of the schema that has the column, and `default` what a
    reader gets from an index or a backup that lacks it. `max_bytes` bounds a text; with `clipped`, a longer one is cut.
    """

    name: str
    kind: ColumnKind
    max_bytes: int = 512
    attribute: str = ""
    derive: Callable[[Chunk], Any] | None = None
    filtered_as: Literal["text", "number", "metadata"] | None = None
    clipped: bool = False
    since: int = 1
    default: Any = _REQUIRED

    @property
    def field(self) -> Field:
        """The column as a field of a collection."""
        if self.kind == "number":
            return Field(self.name, "integer")
        return Field(self.name, "text", self.max_bytes) if self.kind == "text" else Field(self.name, "json")

    @property
    def is_required(self) -> bool:
        """Whether every index and every backup has the column."""
        return self.default is _REQUIRED

    def value_of(self, chunk: Chunk) -> Any:
        """Return the column's value for a chunk, as it is in Python."""
        value = self.derive(chunk) if self.derive else getattr(chunk, self.attribute)
        return clip(value, self.max_bytes) if self.clipped else value

    def to_milvus(self, value: Any) -> Any:
        """Return a value as Milvus stores it."""
        if self.kind == "texts":
            # Servers before 2.4 take JSON objects only.
            return {"names": list(value)}
        return dict(value) if self.kind == "mapping" else value

    def from_milvus(self, stored: Any) -> Any:
        """Return what `to_milvus` was given."""
        return tuple(stored["names"]) if self.kind == "texts" else stored


def text_hash(text: str) -> str:
    """Return 32 hex digits: texts with equal hashes have equal vectors under one embedder."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def clip(text: str, max_bytes: int) -> str:
    """Return the text, cut at the last character that fits into `max_bytes` of UTF-8."""
    encoded = text.encode()
    return text if len(encoded) <= max_bytes else encoded[:max_bytes].decode(errors="ignore")


CHUNK_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", 64, attribute="id", filtered_as="text"),
    Column("source", "text", _PATH_BYTES, attribute="source", filtered_as="text"),
    Column("title", "text", _PATH_BYTES, attribute="title", filtered_as="text", clipped=True),
    Column("heading_path", "texts", attribute="heading_path"),
    Column("anchor", "text", _PATH_BYTES, attribute="anchor", filtered_as="text", clipped=True),
    Column("kind", "text", 16, attribute="kind", filtered_as="text"),
    Column("position", "number", attribute="position", filtered_as="number"),
    Column("group_id", "text", 64, attribute="group", filtered_as="text"),
    Column("start_line", "number", attribute="start_line", filtered_as="number"),
    Column("end_line", "number", attribute="end_line", filtered_as="number"),
    Column("content", "text", _TEXT_BYTES, attribute="content"),
    Column("line_numbers", "text", _TEXT_BYTES, attribute="line_numbers", since=3, default=""),
    Column("metadata", "mapping", attribute="metadata", filtered_as="metadata"),
    Column(
        "facets",
        "mapping",
        derive=lambda chunk: dict.fromkeys(sorted(filter_keys_of(chunk.metadata)), True),
        filtered_as="metadata",
        since=2,
        default={},
    ),
    Column("text_hash", "text", 64, derive=lambda chunk: text_hash(chunk.searchable_text)),
    Column(
        TERMS_COLUMN,
        "text",
        _TEXT_BYTES,
        derive=lambda chunk: clip(" ".join(tokenize(chunk.searchable_text)), MAX_CONTENT_BYTES),
    ),
)

SCHEMA_VERSION = max(column.since for column in CHUNK_COLUMNS)

TEXT_COLUMNS = frozenset(column.name for column in CHUNK_COLUMNS if column.filtered_as == "text")
NUMBER_COLUMNS = frozenset(column.name for column in CHUNK_COLUMNS if column.filtered_as == "number")


def columns_at(schema: int) -> list[Column]:
    """Return the columns that an index of this version of the schema has."""
    return [column for column in CHUNK_COLUMNS if column.since <= schema]


def check_columns(names: Collection[str], schema: int) -> None:
    """Raise StoreError if a filter reads columns that an index of this version of the schema lacks."""
    for column in CHUNK_COLUMNS:
        if column.name in names and column.since > schema:
            what = "front matter" if column.filtered_as == "metadata" else column.name
            raise StoreError(
                f"the index was written by an earlier zhiwen and cannot be filtered by {what}; "
                "run `zhiwen ingest`, which rebuilds it"
            )
