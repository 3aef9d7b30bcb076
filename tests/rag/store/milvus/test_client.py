"""A connection reads all rows page by page, and its errors are ours."""

from collections.abc import Iterator

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
    keys = [f"k{number:05}" for number in range(2300)]
    milvus.upsert("pages", [rows.to_state_row(key, {"key": key}) for key in keys])
    for count in (999, 1000, 1001, 2300):
        expression = f'key < "k{count:05}"'
        assert sorted(row["key"] for row in milvus.rows("pages", expression, ["key"])) == keys[:count]
        assert milvus.count("pages", expression) == count
    milvus.drop("pages")
    assert milvus.collections() == []


def test_a_collection_that_is_not_there_is_a_store_error(milvus: Milvus) -> None:
    with pytest.raises(StoreError):
        list(milvus.rows("nowhere", 'key != ""', ["key"]))
