"""The files that a Milvus server imports: Parquet, in a bucket or in a folder that the server reads."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from rag.errors import StoreError
from rag.objects.s3_bucket import BucketAddress, S3Bucket
from rag.settings import StoreSettings
from rag.store.collection_spec import CollectionSpec, Field, Row

if TYPE_CHECKING:
    import pyarrow as pa

_ADVICE = (
    "check store.bulk_import_url, store.bulk_import_endpoint and store.bulk_import_region, and that AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY may list, write and delete there. The live generation stays as it is"
)


class ImportFolder(Protocol):
    """Where a server finds files to import. Every method raises StoreError."""

    def put_file(self, path: str, file: Path) -> str:
        """Copy a file there. Return the name by which Milvus finds it."""
        ...

    def delete_folder(self, folder: str) -> None:
        """Delete a folder that `put_file` has made, with its files, if it is there."""
        ...


class LocalFolder:
    """A folder of this machine that the server reads, too. Every method raises StoreError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, path: str, file: Path) -> str:
        place = self._root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        except OSError as error:
            raise StoreError(f"{place} cannot be written: {error.strerror}; check store.bulk_import_url") from error
        return str(place)

    def delete_folder(self, folder: str) -> None:
        place = self._root / folder
        try:
            for file in place.glob("*.parquet"):
                file.unlink()
            if place.exists():
                place.rmdir()
        except OSError as error:
            raise StoreError(f"{place} cannot be deleted: {error.strerror}") from error


def open_import_folder(settings: StoreSettings) -> ImportFolder | None:
    """Return where the settings say that files to import go; None if they do not."""
    url = settings.bulk_import_url
    if not url:
        return None
    if url.startswith("file:"):
        return LocalFolder(Path(unquote(urlsplit(url).path)))
    address = BucketAddress(url, settings.bulk_import_endpoint, settings.bulk_import_region)
    return S3Bucket(address, error=StoreError, advice=_ADVICE)


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
