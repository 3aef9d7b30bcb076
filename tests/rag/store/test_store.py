"""The state that the store keeps of itself, on a real Milvus Lite file, and what opening it says when it cannot."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.staging.staging import Staging
from rag.errors import ConfigError, StoreEmpty, StoreError, StoreUnavailable, ZhiwenError
from rag.settings import StoreSettings
from rag.store import rows
from rag.store.milvus.client import Milvus
from rag.store.store import Store
from tests.kit.stored_chunks import CHUNKS, UnitEmbedder, stored_chunks


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


def test_an_empty_store_says_so(store: Store) -> None:
    empty = Store(store.milvus, collection="empty")
    assert empty.state() is None
    with pytest.raises(StoreEmpty, match="zhiwen ingest"):
        empty.snapshot()


def test_an_index_of_a_newer_version_is_refused(store: Store) -> None:
    newer = Store(store.milvus, collection="newer")
    newer.create_state_collection()
    state = store.state()
    assert state
    newer.write_state(state)
    assert newer.state() == state
    newer.write_state(replace(state, history=(replace(state.live, schema=99),)))
    with pytest.raises(StoreError, match="newer zhiwen"):
        newer.snapshot()


def test_the_state_is_never_missing_while_it_is_written_anew(store: Store) -> None:
    """milvus-lite 2.5.1 does an upsert as a deletion and an insertion, and reads come between the two."""
    busy = Store(store.milvus, collection="busy")
    busy.create_state_collection()
    state = store.state()
    assert state
    busy.write_state(state)
    ended = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not ended.is_set():
            seen.append(busy.state() is None)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 61):
            busy.write_state(replace(state, version=state.version + number))
    finally:
        ended.set()
        reader.join()
    assert len(seen) > 10
    assert seen.count(True) == 0


def test_more_rows_than_a_page_are_all_read(store: Store) -> None:
    store.milvus.create("pages", rows.STATE_COLLECTION)
    keys = [f"k{number:05}" for number in range(2300)]
    store.milvus.upsert("pages", [rows.to_state_row(key, {"key": key}) for key in keys])
    for count in (999, 1000, 1001, 2300):
        expression = f'key < "k{count:05}"'
        assert sorted(row["key"] for row in store.milvus.rows("pages", expression, ["key"])) == keys[:count]
        assert store.milvus.count("pages", expression) == count
    store.milvus.drop("pages")


def test_a_vanished_collection_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError):
        list(store.milvus.rows("nowhere", 'key != ""', ["key"]))


def test_a_committed_generation_survives_closing_and_opening(tmp_path: Path) -> None:
    settings = StoreSettings(uri=str(tmp_path / "m.db"))
    store = Store.open(settings)
    staging = Staging(store, UnitEmbedder(), mode="dense")
    staging.add(CHUNKS[:3], UnitEmbedder().embed_documents(["x"] * 3))
    staging.commit(staging.seal("/docs").commit, keep=1)
    state = store.state()
    store.close()
    again = Store.open(settings)
    try:
        assert again.state() == state
        assert sorted(each.chunk.id for each in again.snapshot().chunks()) == ["c0", "c1", "c2"]
    finally:
        again.close()


@pytest.mark.parametrize(
    "name", ["milvus", "with space.db", "数据.db", "x" * 34 + ".db", "semi;colon.db", "m.sqlite", ".db"]
)
def test_a_bad_file_name_is_an_error_of_the_settings(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.uri"):
        Store.open(StoreSettings(uri=str(tmp_path / name)))


def test_a_server_that_is_not_there_is_unavailable_within_seconds() -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:1"):
        Store.open(StoreSettings(uri="http://127.0.0.1:1"))
    assert time.monotonic() - started < 6


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable, match="file/sub: cannot be"):
        Store.open(StoreSettings(uri=str(tmp_path / "file" / "sub" / "m.db")))


@pytest.mark.parametrize("content", [b"garbage" * 3000, b"SQLite format 3\0" + bytes(5000)], ids=["noise", "a header"])
def test_a_corrupted_file_is_a_store_error_in_bounded_time(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"m\.db"):
        _read_and_close(path)
    assert time.monotonic() - started < 60
    # A broken database is evidence; it is not overwritten.
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "m.db").mkdir()
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"m\.db"):
        _read_and_close(tmp_path / "m.db")
    assert time.monotonic() - started < 60


def _read_and_close(path: Path) -> None:
    store = Store.open(StoreSettings(uri=str(path)))
    try:
        store.snapshot()
    finally:
        store.close()


_OPEN = """
import sys, time
from rag.settings import StoreSettings
from rag.errors import StoreLocked
from rag.store.store import Store
started = time.monotonic()
try:
    Store.open(StoreSettings(uri=sys.argv[1])).close()
except StoreLocked as error:
    print(f"locked after {time.monotonic() - started:.1f} s: {error}")
else:
    print("opened")
"""


def test_a_second_process_is_refused_by_name_every_time(tmp_path: Path) -> None:
    """milvus-lite 2.5.1 removes the lock file of the process that holds it when a second one fails to take it."""
    path = tmp_path / "m.db"
    store = Store.open(StoreSettings(uri=str(path)))
    try:
        for _ in range(2):
            said = _in_another_process(path)
            assert said.startswith("locked"), said
            assert str(path) in said
            assert float(said.split()[2]) < 5
        assert store.state() is None
    finally:
        store.close()
    assert _in_another_process(path).startswith("opened")


def _in_another_process(path: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", _OPEN, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    return ended.stdout


def test_every_error_of_opening_is_ours(tmp_path: Path) -> None:
    for uri in (str(tmp_path / "bad name.db"), "http://127.0.0.1:1", "ftp://127.0.0.1:1", "http://", "tcp://x y"):
        with pytest.raises(ZhiwenError):
            Milvus(uri, connect_timeout_seconds=1)
