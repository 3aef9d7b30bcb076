"""The columns of a backup: a row for each document, with its chunks and their vectors in a list.

They follow from `rag/store/columns.py` and from the fields of a document's manifest. A column that a file lacks has its
default; a file that holds more was written by a newer zhiwen.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.files.confined import leads_below
from rag.models.embedders.protocol import Vector
from rag.store.columns import CHUNK_COLUMNS, Column
from rag.store.records import DocumentRecord
from rag.types import Chunk

_TYPES = {
    "text": pa.string(),
    "number": pa.int64(),
    "texts": pa.list_(pa.string()),
    "mapping": pa.string(),  # JSON: front matter has other keys in every document
}
_TYPES_OF_RECORDS: Mapping[Any, pa.DataType] = {str: pa.string(), int: pa.int64()}

_SOURCE, _CHUNKS, _VECTOR = "source", "chunks", "vector"
# The source of a chunk is that of its document.
_COLUMNS = tuple(column for column in CHUNK_COLUMNS if column.attribute not in ("", _SOURCE))


@dataclass(frozen=True, slots=True)
class BackedUpDocument:
    """One document: its manifest, and its chunks in order, each with its vector."""

    record: DocumentRecord
    chunks: tuple[tuple[Chunk, Vector], ...]


class NewerColumns(Exception):
    """A file has columns that this version does not know."""


class DamagedColumns(Exception):
    """A file lacks columns that every version wrote, or has columns of another type."""


def backup_schema(dimension: int) -> pa.Schema:
    """Return the columns of a backup whose vectors have `dimension` numbers."""
    return pa.schema(_document_types() | {_CHUNKS: pa.list_(pa.struct(_chunk_types(dimension)))})


def check_columns(schema: pa.Schema, dimension: int) -> None:
    """Raise NewerColumns or DamagedColumns if a file's columns cannot be read."""
    known, found = backup_schema(dimension), {field.name: field.type for field in schema}
    chunks = found.get(_CHUNKS)
    if not (chunks and pa.types.is_list(chunks) and pa.types.is_struct(chunks.value_type)):
        raise DamagedColumns
    of_chunks = {field.name: field.type for field in chunks.value_type.fields}
    optional = {column.attribute for column in _COLUMNS if not column.is_required}
    _check(of_chunks, _chunk_types(dimension), optional)
    _check(found | {_CHUNKS: known.field(_CHUNKS).type}, {field.name: field.type for field in known}, _optional_keys())


def to_backup_row(document: BackedUpDocument) -> dict[str, Any]:
    """Return the row of a document."""
    return document.record.as_payload() | {
        _CHUNKS: [_chunk_row(chunk, vector) for chunk, vector in document.chunks],
    }


def from_backup_row(row: Mapping[str, Any]) -> BackedUpDocument:
    """Return the document of a row.

    Raises ValueError or TypeError if it does not hold one, or if the document's path leads out of its folder.
    """
    if not leads_below(row[_SOURCE]):
        raise ValueError(f"{row[_SOURCE]!r} is no path below a folder")
    chunks = tuple(_chunk(chunk, row[_SOURCE]) for chunk in row[_CHUNKS])
    return BackedUpDocument(DocumentRecord.from_payload({**row, _CHUNKS: len(chunks)}), chunks)


def _check(found: Mapping[str, pa.DataType], known: Mapping[str, pa.DataType], optional: set[str]) -> None:
    if any(found[name] != known[name] for name in found.keys() & known.keys()):
        raise DamagedColumns
    if found.keys() - known.keys():
        raise NewerColumns
    if known.keys() - found.keys() - optional:
        raise DamagedColumns


def _document_types() -> dict[str, pa.DataType]:
    types = [_TYPES_OF_RECORDS[field.type] for field in fields(DocumentRecord)]
    return dict(zip(DocumentRecord.payload_keys(), types, strict=True))


def _optional_keys() -> set[str]:
    pairs = zip(DocumentRecord.payload_keys(), fields(DocumentRecord), strict=True)
    return {key for key, field in pairs if field.default is not MISSING}


def _chunk_types(dimension: int) -> dict[str, pa.DataType]:
    types = {column.attribute: _TYPES[column.kind] for column in _COLUMNS}
    return types | {_VECTOR: pa.list_(pa.float32(), dimension)}


def _chunk_row(chunk: Chunk, vector: Vector) -> dict[str, Any]:
    values = {column.attribute: _to_backup(column, getattr(chunk, column.attribute)) for column in _COLUMNS}
    return values | {_VECTOR: vector}


def _chunk(row: Mapping[str, Any], source: str) -> tuple[Chunk, Vector]:
    vector = np.asarray(row[_VECTOR], dtype=np.float32)
    if not np.isfinite(vector).all():
        raise ValueError(f"the vector of chunk {row['id']} holds a value that is not a number")
    values = {
        column.attribute: _from_backup(column, row[column.attribute]) if column.attribute in row else column.default
        for column in _COLUMNS
    }
    return Chunk(**values, source=source), vector


def _to_backup(column: Column, value: Any) -> Any:
    if column.kind == "mapping":
        return json.dumps(dict(value), ensure_ascii=False)
    return list(value) if column.kind == "texts" else value


def _from_backup(column: Column, stored: Any) -> Any:
    if column.kind == "mapping":
        return json.loads(stored)
    return tuple(stored) if column.kind == "texts" else stored
