"""A connection reads all rows page by page, and its errors are ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.store import rows
from rag.store.milvus.client import Milvus


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    milvus = Milvus(str(tmp_path_factory.mktemp("client") / "m.db"))
    yield milvus
    milvus.close()


def test_more_rows_than_a_page_are_all_read(milvus: Milvus) -> None:
    milvus.create("pages", rows.STATE_COLLECTION)
    keys = [f"k{number:05}" for number in range(4300)]
    milvus.upsert("pages", [rows.to_state_row(key, {"key": key}) for key in keys])
    for count in (1999, 2000, 2001, 4300):
        expression = f'key < "k{count:05}"'
        assert sorted(row["key"] for row in milvus.rows("pages", expression, ["key"])) == keys[:count]
        assert milvus.count("pages", expression) == count
    milvus.drop("pages")
    assert milvus.collections() == []


def test_a_collection_that_is_not_there_is_a_store_error(milvus: Milvus) -> None:
    with pytest.raises(StoreError):
        list(milvus.rows("nowhere", 'key != ""', ["key"]))


def test_a_read_of_a_file_outlasts_the_deadline_for_a_server(tmp_path: Path) -> None:
    """It may have to wait until all rows are in memory."""
    database = str(tmp_path / "m.db")
    for is_new in (True, False):
        milvus = Milvus(database, timeout_seconds=0.0001)
        if is_new:
            milvus.create("rows", rows.STATE_COLLECTION)
            milvus.insert("rows", [rows.to_state_row("k", {})])
        milvus.load("rows")
        assert [row["key"] for row in milvus.rows("rows", 'key == "k"', ["key"])] == ["k"]
        assert milvus.count("rows", 'key == "k"') == 1
        milvus.close()
