"""Opening a store loads no more than it needs."""

import subprocess
import sys
from pathlib import Path

_OPEN = """
import sys
import numpy as np
from rag.settings import StoreSettings
from rag.store import rows
from rag.store.milvus.opening import open_milvus

milvus = open_milvus(StoreSettings(uri=sys.argv[1]))
milvus.create("states", rows.STATE_COLLECTION)
milvus.upsert("states", [rows.to_state_row("k", {"a": 1}), rows.to_state_row("键", {})])
milvus.insert("states", [rows.to_state_row("new", {})])
milvus.delete("states", 'key == "new"')
print(sorted(row["key"] for row in milvus.rows("states", 'key != ""', ["key"])), "pandas" in sys.modules)
print(len(milvus.search("states", np.ones(2, np.float32), expression="", limit=9)))
milvus.close()
"""

_PANDAS_AFTERWARDS = """
from rag.settings import StoreSettings
from rag.store.milvus.opening import open_milvus

open_milvus(StoreSettings(uri="unused.db"))
import pandas
print(pandas.api.types.is_scalar(1), pandas.DataFrame({"a": [1, 2]}).shape)
"""


def run(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_store_is_written_read_and_searched_without_pandas(tmp_path: Path) -> None:
    """Pymilvus imports it for its ORM, and it takes longer to load than all the rest."""
    assert run(_OPEN, str(tmp_path / "m.db")) == ["['k', '键'] False", "2"]


def test_who_imports_pandas_later_gets_all_of_it() -> None:
    assert run(_PANDAS_AFTERWARDS) == ["True (2, 1)"]


def test_a_text_that_is_none_is_refused(tmp_path: Path) -> None:
    program = _OPEN.replace('rows.to_state_row("new", {})', "rows.to_state_row(5, {})")
    command = [sys.executable, "-c", program, str(tmp_path / "m.db")]
    died = subprocess.run(command, capture_output=True, text=True, check=False)
    assert died.returncode == 1
    assert "StoreError" in died.stderr
