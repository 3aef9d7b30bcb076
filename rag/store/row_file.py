"""A file of rows that a Milvus server can import: Parquet."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import StoreError
from rag.store.collection_spec import CollectionSpec, Field, Row

if TYPE_CHECKING:
    import pyarrow as pa


class RowFile:
    """A file of rows of a collection. Rows are on the disk, and not in memory, when `write` returns."""

    def __init__(self, path: Path, collection: CollectionSpec) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415  (an extra)

        self.path = path
        self._schema = _schema(collection)
        self._writer = pq.ParquetWriter(path, self._schema)

    def write(self, rows: Sequence[Row]) -> int:
        """Add rows. Return the size of the file in bytes. Raises StoreError if the disk is full."""
        import pyarrow as pa  # noqa: PLC0415

        columns = [[_value(row[field.name]) for row in rows] for field in self._schema]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        try:
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error
        return self.path.stat().st_size

    def close(self) -> None:
        """End the file. Raises StoreError if the disk is full."""
        try:
            self._writer.close()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error


def _schema(collection: CollectionSpec) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415

    fields = [pa.field(field.name, _type(field)) for field in collection.fields]
    return pa.schema([*fields, pa.field("vector", pa.list_(pa.float32()))])


def _type(field: Field) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    return pa.int64() if field.type == "integer" else pa.string()


def _value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
