"""The table of columns: what follows from it, and what a new column must have."""

from dataclasses import fields

import numpy as np
import pytest

from rag.store import rows
from rag.store.columns import CHUNK_COLUMNS, NUMBER_COLUMNS, SCHEMA_VERSION, TEXT_COLUMNS, Column, columns_at
from rag.types import Chunk
from tests.kit.stored_chunks import CHUNKS

VECTOR = np.array([1.0, 0.0], dtype=np.float32)


def test_every_attribute_of_a_chunk_has_a_column() -> None:
    attributes = {column.attribute for column in CHUNK_COLUMNS if column.attribute}
    missing = {field.name for field in fields(Chunk)} - attributes
    assert not missing, f"rag/store/columns.py: add a row to CHUNK_COLUMNS for Chunk.{min(missing)}"
    unknown = attributes - {field.name for field in fields(Chunk)}
    assert not unknown, f"rag/types.py: add the attribute {min(unknown)} to Chunk, or take it out of CHUNK_COLUMNS"


@pytest.mark.parametrize("column", CHUNK_COLUMNS, ids=lambda column: column.name)
def test_a_column_that_is_not_in_the_first_schema_has_a_default(column: Column) -> None:
    assert column.is_required == (column.since == 1), (
        f"rag/store/columns.py: the column {column.name} exists since schema {column.since}; give it a `default`, "
        "which readers get from an older index"
    )


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


def test_the_fields_that_a_filter_can_name_are_these() -> None:
    assert {"id", "source", "title", "anchor", "kind", "group_id"} == TEXT_COLUMNS
    assert {"position", "start_line", "end_line"} == NUMBER_COLUMNS


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
