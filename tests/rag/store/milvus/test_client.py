"""A connection reads all rows page by page, and its errors are ours."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
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


_SEARCH = """
import sys
import numpy as np
from pymilvus.client.utils import SciPyHelper
from rag.store import rows
from rag.store.milvus.client import Milvus

look = SciPyHelper._init
SciPyHelper._init = lambda: (print("scipy.sparse" in sys.modules), look())
milvus = Milvus(sys.argv[1])
milvus.create("rows", rows.STATE_COLLECTION)
assert "scipy.sparse" not in sys.modules
milvus.search("rows", np.ones(2, np.float32), expression="", limit=1)
milvus.close()
"""


@pytest.mark.skipif(find_spec("scipy") is None, reason="scipy is not installed")
def test_scipy_is_imported_before_a_search_runs_it(tmp_path: Path) -> None:
    """Run by two threads at once, it fails with KeyError: 'scipy.sparse'."""
    command = [sys.executable, "-c", _SEARCH, str(tmp_path / "m.db")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert printed
    assert set(printed) == {"True"}
