"""A backup as a Parquet file.

The footer of the file says what it was made from. It is written last, so a file that was cut off has none.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.backup_columns import (
    BackedUpDocument,
    DamagedColumns,
    NewerColumns,
    backup_schema,
    check_columns,
    from_backup_row,
    to_backup_row,
)
from rag.errors import BackupError, StoreError
from rag.first_line import first_line
from rag.store.columns import SCHEMA_VERSION

FORMAT = 1
_KEY = b"zhiwen"
_CHECKSUM_KEY = b"zhiwen.sha256"
"""Parquet has checksums for its pages, but none for its footer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The generation that a backup was made from.

    `documents` and `chunks` say how many are in the file, `schema` is the version of its columns. A key that is added
    later needs a default, for the files that lack it.
    """

    format: int
    generation: int
    committed_at: str
    root: str
    embedder: str
    fingerprint: str
    dimension: int
    schema: int
    mode: str
    documents: int
    chunks: int
    golden_asked: tuple[str, ...] = ()
    golden_found: tuple[str, ...] = ()
    label: str = ""


WriteDocuments = Callable[[Sequence[BackedUpDocument]], None]


@contextmanager
def writing_backup(path: Path, origin: Origin) -> Iterator[WriteDocuments]:
    """Yield a function that writes a group of documents. At the end, if all went well, the file gets its name.

    The context and the function raise BackupError if the file cannot be written.
    """
    content = {name: value for name, value in asdict(origin).items() if value or name != "label"}
    written = json.dumps(content, ensure_ascii=False).encode()  # earlier versions refuse unknown keys
    schema = backup_schema(origin.dimension).with_metadata({_KEY: written, _CHECKSUM_KEY: _checksum(written)})
    with _writing_errors(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with _writing_errors(path):
                writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)

            def write(documents: Sequence[BackedUpDocument]) -> None:
                with _writing_errors(path):
                    writer.write_table(pa.Table.from_pylist([to_backup_row(each) for each in documents], schema=schema))

            try:
                yield write
            finally:
                with _writing_errors(path):
                    writer.close()
            with _writing_errors(path):
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading_backup(path: Path) -> Iterator[tuple[Origin, Iterator[list[BackedUpDocument]]]]:
    """Yield what a backup was made from, and its documents in groups, as they were written.

    Raises BackupError if the file cannot be read, is damaged or truncated, was written by a newer zhiwen, or is
    something else.
    """
    try:
        opened = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
    with opened:
        try:
            file = pq.ParquetFile(opened, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise BackupError(f"{path} is truncated or not a zhiwen backup") from error
        yield _read_origin(file, path), _read_groups(file, path)


@contextmanager
def _writing_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror or first_line(error)}") from error


def _read_groups(file: pq.ParquetFile, path: Path) -> Iterator[list[BackedUpDocument]]:
    for number in range(file.num_row_groups):
        try:
            rows = file.read_row_group(number).to_pylist()
            yield [from_backup_row(row) for row in rows]
        except (pa.ArrowException, OSError, ValueError, TypeError, StoreError) as error:
            raise BackupError(f"{path} is damaged ({first_line(error)}); nothing was changed") from error


def _read_origin(file: pq.ParquetFile, path: Path) -> Origin:
    metadata = file.schema_arrow.metadata or {}
    written = metadata.get(_KEY)
    if written is None:
        raise BackupError(f"{path} is a Parquet file, but not a zhiwen backup")
    # The first version wrote no checksum.
    if metadata.get(_CHECKSUM_KEY, _checksum(written)) != _checksum(written):
        raise BackupError(f"{path} is damaged: what it says that it was made from has changed")
    content: Any = None
    with suppress(ValueError):
        content = json.loads(written)
    if isinstance(content, dict):
        _refuse_newer(content, path)
    if not _is_origin(content):
        raise BackupError(f"{path} is damaged: it does not say what it was made from")
    golden = {name: tuple(content.get(name, ())) for name in ("golden_asked", "golden_found")}
    origin = Origin(**content | golden)
    try:
        check_columns(file.schema_arrow, origin.dimension)
    except NewerColumns as error:
        raise _newer(path, "it has more columns") from error
    except DamagedColumns as error:
        raise BackupError(f"{path} is damaged: its columns are not those of a backup") from error
    return origin


def _checksum(written: bytes) -> bytes:
    return hashlib.sha256(written).hexdigest().encode()


def _refuse_newer(content: Mapping[str, Any], path: Path) -> None:
    for name, known in (("format", FORMAT), ("schema", SCHEMA_VERSION)):
        found = content.get(name)
        if isinstance(found, int) and found > known:
            raise _newer(path, f"{name} {found}")
    unknown = content.keys() - {field.name for field in fields(Origin)}
    if unknown:
        raise _newer(path, f"its footer says {min(unknown)}")


def _is_origin(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content[field.name], field.type if field.type in (int, str) else list)
        if field.name in content
        else field.default is not MISSING
        for field in fields(Origin)
    )


def _newer(path: Path, how: str) -> BackupError:
    return BackupError(f"{path} was written by a newer zhiwen ({how}); upgrade to read it")
