"""The table of columns: what follows from it, and what a new column must have."""

import re
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields

import numpy as np
import pytest

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.store import rows
from rag.store.columns import CHUNK_COLUMNS, SCHEMA_VERSION, Column, columns_at
from rag.types import Chunk
from tests.kit.paths import ROOT
from tests.kit.stored_chunks import CHUNKS

VECTOR = np.array([1.0, 0.0], dtype=np.float32)


GUIDE = "see docs/extending/filterable-column.md"
TABLE = "docs/reference/filter-fields.md"
_NOT_STORED = ("knowledge_base", "commit")
_ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>text|number)\b", re.MULTILINE)


def forgotten(columns: Sequence[Column], chunks: Sequence[Chunk], table: str) -> list[str]:
    """What is missing or left over, a line for each, with the file to mend. `chunks` are what the chunker makes."""
    attributes = {field.name: field for field in fields(chunks[0]) if field.name not in _NOT_STORED}
    named = {column.attribute for column in columns if column.attribute}
    documented = {row["name"]: row["kind"] for row in _ROW.finditer(table)}
    filtered = {column.name: column.filtered_as for column in columns if column.filtered_as in ("text", "number")}
    lines = [f"rag/types.py: add {name} to Chunk" for name in named - attributes.keys()]
    lines += [
        f"rag/store/columns.py: add a row to CHUNK_COLUMNS for Chunk.{name}" for name in attributes.keys() - named
    ]
    for column in columns:
        if column.since > 1 and column.is_required:
            lines.append(f"rag/store/columns.py: give {column.name} a default, for indexes older than {column.since}")
        if column.since == 1 or column.attribute not in attributes:
            continue
        default = attributes[column.attribute].default
        if default is MISSING:
            lines.append(
                f"rag/types.py: give Chunk.{column.attribute} a default, for indexes older than {column.since}"
            )
        elif not column.derive and all(getattr(chunk, column.attribute) == default for chunk in chunks):
            lines.append(
                f"ingest/chunking/chunks.py: set {column.attribute}, or give the column {column.name} a `derive`: no "
                f"chunk of knowledge/ has a value but {default!r}"
            )
    lines += [f"{TABLE}: add a row for {name}" for name in filtered.keys() - documented.keys()]
    lines += [f"{TABLE}: no filter can name {name}" for name in documented.keys() - filtered.keys()]
    lines += [
        f"{TABLE}: {name} is a {kind}, not a {documented[name]}"
        for name, kind in filtered.items()
        if documented.get(name, kind) != kind
    ]
    return sorted(lines)


def shipped_chunks() -> list[Chunk]:
    files = sorted((ROOT / "knowledge").rglob("*.md"))
    documents = [parse_document(path.name, path.read_bytes()) for path in files]
    return [chunk for document in documents for chunk in chunk_document(document, count_tokens=len, max_tokens=400)]


@dataclass(frozen=True, slots=True)
class OwnedChunk(Chunk):
    owner: str = ""


OWNER = Column("owner", "text", 64, attribute="owner", filtered_as="text", since=SCHEMA_VERSION + 1, default="")
OWNED_CHUNKS = [OwnedChunk(*(getattr(chunk, field.name) for field in fields(Chunk))) for chunk in CHUNKS]


def test_every_column_stands_in_all_the_places() -> None:
    table = (ROOT / TABLE).read_text(encoding="utf-8")
    assert forgotten(CHUNK_COLUMNS, shipped_chunks(), table) == [], GUIDE


def test_a_forgotten_place_is_named() -> None:
    table = (ROOT / TABLE).read_text(encoding="utf-8")
    assert forgotten((*CHUNK_COLUMNS, OWNER), CHUNKS, table) == [
        "docs/reference/filter-fields.md: add a row for owner",
        "rag/types.py: add owner to Chunk",
    ]
    assert forgotten((*CHUNK_COLUMNS, OWNER), OWNED_CHUNKS, f"{table}\n| `owner` | number |") == [
        "docs/reference/filter-fields.md: owner is a text, not a number",
        "ingest/chunking/chunks.py: set owner, or give the column owner a `derive`: no chunk of knowledge/ has a value "
        "but ''",
    ]
    assert forgotten(CHUNK_COLUMNS, OWNED_CHUNKS, f"{table}\n| `owner` | text |") == [
        "docs/reference/filter-fields.md: no filter can name owner",
        "rag/store/columns.py: add a row to CHUNK_COLUMNS for Chunk.owner",
    ]


@pytest.mark.parametrize("column", CHUNK_COLUMNS, ids=lambda column: column.name)
def test_a_column_has_a_value_that_comes_back_as_it_was(column: Column) -> None:
    for chunk in CHUNKS:
        value = column.value_of(chunk)
        assert column.from_milvus(column.to_milvus(value)) == value


def test_the_columns_of_the_first_two_schemas_never_change() -> None:
    """Indexes with these columns are on people's disks; what is added gets a higher `since`."""
    first = "id source title heading_path anchor kind position group_id start_line end_line content metadata"
    assert [column.name for column in columns_at(1)] == [*first.split(), "text_hash", "terms"]
    assert {column.name for column in columns_at(2)} - {column.name for column in columns_at(1)} == {"facets"}


def test_a_row_has_the_fields_of_its_collection() -> None:
    row = rows.to_chunk_row(CHUNKS[0], VECTOR, born=1)
    names = {field.name for field in rows.chunk_collection_spec(2, lexical=True).fields}
    assert row.keys() == {*names, "vector"} == set(rows.all_chunk_fields(SCHEMA_VERSION))


def test_of_an_older_index_only_its_own_columns_are_read() -> None:
    assert "facets" not in rows.all_chunk_fields(1)
    assert set(rows.chunk_fields(1)) <= {column.name for column in columns_at(1)}


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: chunk.id)
def test_a_chunk_comes_back_from_its_row(chunk: Chunk) -> None:
    assert rows.from_chunk_row(rows.to_chunk_row(chunk, VECTOR, born=1)).chunk == chunk


def test_a_title_that_is_too_long_is_cut_between_two_characters() -> None:
    (title,) = (column for column in CHUNK_COLUMNS if column.name == "title")
    chunk = Chunk("i", "s.md", "长" * 2000, (), "", "text", 0, "g", 1, 1, "c")
    assert title.value_of(chunk) == "长" * (4096 // 3)
