"""A backup as a Parquet file: a row for each document, its chunks with their vectors in a list.

The footer of the file says what it was made from. It is written last, so a file that was cut off has none.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag.errors import BackupError, first_line
from rag.models.embedders.protocol import Vector
from rag.store.versions import DocumentRecord
from rag.types import Chunk

FORMAT = 1
_KEY = b"zhiwen"


@dataclass(frozen=True, slots=True)
class Origin:
    """The generation that a backup was made from. `documents` and `chunks` say how many are in the file."""

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


@dataclass(frozen=True, slots=True)
class BackedUp:
    """One document: its manifest, and its chunks in order, each with its vector."""

    record: DocumentRecord
    chunks: tuple[tuple[Chunk, Vector], ...]


Write = Callable[[Sequence[BackedUp]], None]


@contextmanager
def writing_backup(path: Path, origin: Origin) -> Iterator[Write]:
    """What it gives writes a group of documents. At the end, and only if all went well, the file takes its name.

    Raises BackupError, as does what it gives, if the file cannot be written.
    """
    schema = _schema(origin.dimension).with_metadata({_KEY: json.dumps(asdict(origin), ensure_ascii=False)})
    with _written(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with _written(path):
                writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)

            def write(documents: Sequence[BackedUp]) -> None:
                with _written(path):
                    writer.write_table(pa.Table.from_pylist([_row(each) for each in documents], schema=schema))

            try:
                yield write
            finally:
                with _written(path):
                    writer.close()
            with _written(path):
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror or first_line(error)}") from error


@contextmanager
def reading_backup(path: Path) -> Iterator[tuple[Origin, Iterator[list[BackedUp]]]]:
    """What a backup was made from, and its documents, group by group as they were written.

    Raises BackupError if it is not there, damaged, cut off, or something else.
    """
    try:
        opened = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
    with opened:
        try:
            file = pq.ParquetFile(opened, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise BackupError(f"{path} is no whole backup: it was cut off, or zhiwen did not write it") from error
        yield _origin(file, path), _groups(file, path)


def _groups(file: pq.ParquetFile, path: Path) -> Iterator[list[BackedUp]]:
    for number in range(file.num_row_groups):
        try:
            rows = file.read_row_group(number).to_pylist()
            yield [_document(row) for row in rows]
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise BackupError(f"{path} is damaged ({first_line(error)}); nothing was changed") from error


def _origin(file: pq.ParquetFile, path: Path) -> Origin:
    written = (file.schema_arrow.metadata or {}).get(_KEY)
    if written is None:
        raise BackupError(f"{path} is a Parquet file, but no backup that zhiwen wrote")
    content: dict[str, Any] = {}
    with suppress(ValueError):
        content = json.loads(written)
    if content.get("format", FORMAT) != FORMAT:
        raise BackupError(f"{path} was written by a newer zhiwen (format {content['format']}); upgrade to read it")
    if set(content) != {field.name for field in fields(Origin)}:
        raise BackupError(f"{path} is damaged: it does not say what it was made from")
    golden = {name: tuple(content[name]) for name in ("golden_asked", "golden_found")}
    origin = Origin(**content | golden)
    if not file.schema_arrow.equals(_schema(origin.dimension)):
        raise BackupError(f"{path} is damaged: its columns are not those of a backup")
    return origin


def _schema(dimension: int) -> pa.Schema:
    text, number = pa.string(), pa.int64()
    chunk = pa.struct(
        {
            "id": text,
            "title": text,
            "heading_path": pa.list_(text),
            "anchor": text,
            "kind": text,
            "position": number,
            "group": text,
            "start_line": number,
            "end_line": number,
            "content": text,
            "metadata": text,  # JSON: front matter has keys of its own in every document
            "vector": pa.list_(pa.float32(), dimension),
        }
    )
    return pa.schema(
        {
            "source": text,
            "content_hash": text,
            "recipe": text,
            "size": number,
            "modified_ns": number,
            "title": text,
            "chunks": pa.list_(chunk),
        }
    )


def _row(document: BackedUp) -> dict[str, Any]:
    return asdict(document.record) | {"chunks": [_chunk_row(chunk, vector) for chunk, vector in document.chunks]}


def _chunk_row(chunk: Chunk, vector: Vector) -> dict[str, Any]:
    row = asdict(chunk)
    del row["source"]
    metadata = json.dumps(dict(chunk.metadata), ensure_ascii=False)
    return row | {"heading_path": list(chunk.heading_path), "metadata": metadata, "vector": vector}


def _document(row: dict[str, Any]) -> BackedUp:
    chunks = tuple(_chunk(chunk, row["source"]) for chunk in row["chunks"])
    return BackedUp(DocumentRecord(**row | {"chunks": len(chunks)}), chunks)


def _chunk(row: dict[str, Any], source: str) -> tuple[Chunk, Vector]:
    vector = np.asarray(row.pop("vector"), dtype=np.float32)
    if not np.isfinite(vector).all():
        raise ValueError(f"chunk {row['id']} has a vector that is no vector")
    restored = {"heading_path": tuple(row["heading_path"]), "metadata": json.loads(row["metadata"])}
    return Chunk(**row | restored, source=source), vector
