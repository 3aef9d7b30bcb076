"""What the store keeps of itself, on a real Milvus Lite file, and what it says if it cannot be opened."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ingest.staging.staging import Staging
from rag.errors import ConfigError, StoreEmpty, StoreError, StoreUnavailable, ZhiwenError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import StoreSettings
from rag.store.milvus.client import Milvus
from rag.store.records import Lease
from rag.store.rows import state_collection
from rag.store.store import Store
from tests.kit.raw_rows import another_store, connection_of
from tests.kit.stored_chunks import CHUNKS, DIMENSION, VECTORS, stored_chunks


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


def test_an_empty_store_says_so(store: Store) -> None:
    empty = another_store(store, collection="empty")
    assert empty.state() is None
    with pytest.raises(StoreEmpty, match="zhiwen ingest"):
        empty.snapshot()


def test_an_index_of_a_newer_version_is_refused(store: Store) -> None:
    newer = another_store(store, collection="newer")
    newer.create_state_collection()
    state = store.state()
    assert state
    newer.publish(state)
    assert newer.state() == state
    newer.publish(replace(state, history=(replace(state.live, schema=99),)))
    with pytest.raises(StoreError, match="newer zhiwen"):
        newer.snapshot()


def test_requests_read_the_state_in_a_file_again_after_each_write_and_only_then(store: Store) -> None:
    one, other = (another_store(store, collection="watched") for _ in range(2))
    one.create_state_collection()
    first = store.state()
    assert first
    second = replace(first, version=first.version + 1, history=(replace(first.live, generation=99),))
    one.publish(first)
    assert one.snapshot().commit == other.snapshot().commit == first.live
    with patch.object(Milvus, "rows", autospec=True, side_effect=Milvus.rows) as reads:
        assert one.snapshot().commit == other.snapshot().commit == first.live
        reads.assert_not_called()
        other.publish(second)
        assert one.snapshot().commit == other.snapshot().commit == second.live
        reads.reset_mock()
        with pytest.raises(StoreError):
            connection_of(store).delete(state_collection("watched"), "no expression")
        assert one.snapshot().commit == second.live
        reads.assert_called()


def test_the_state_is_never_missing_while_a_new_one_is_published(store: Store) -> None:
    """An upsert of milvus-lite 2.5.1 is a deletion and an insertion, and reads come between the two."""
    busy = another_store(store, collection="busy")
    busy.create_state_collection()
    state = store.state()
    assert state
    busy.publish(state)
    ended = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not ended.is_set():
            seen.append(busy.state() is None)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 61):
            busy.publish(replace(state, version=state.version + number))
    finally:
        ended.set()
        reader.join()
    assert len(seen) > 10
    assert seen.count(True) == 0


def test_a_pinned_store_reads_its_generation_whichever_goes_live(tmp_path: Path) -> None:
    with stored_chunks(tmp_path) as store:
        before = store.snapshot()
        pinned = store.pinned(before)
        state = store.state()
        assert state
        later = replace(state.live, generation=state.live.generation + 1)
        store.publish(replace(state, version=state.version + 1, history=(state.live, later)))
        assert store.snapshot().generation == later.generation
        assert pinned.snapshot() is before


def test_a_store_is_dirty_from_the_note_until_it_is_marked_clean(store: Store) -> None:
    other = another_store(store, collection="dirty")
    assert other.notes.is_clean()
    for _ in range(2):
        other.notes.mark_dirty()
        assert not other.notes.is_clean()
        assert not another_store(other).notes.is_clean()
    other.notes.mark_clean()
    assert other.notes.is_clean()


def test_a_lease_is_read_back_replaced_and_released(store: Store) -> None:
    other = another_store(store, collection="leased")
    assert other.notes.read_lease() is None
    for lease in (Lease("one:1:a", 12.5), Lease("two:2:b", 13.0)):
        other.notes.put_lease(lease)
        assert another_store(other).notes.read_lease() == lease
    other.notes.release_lease()
    assert other.notes.read_lease() is None


def test_a_committed_generation_survives_closing_and_opening(tmp_path: Path) -> None:
    settings = StoreSettings(uri=str(tmp_path / "m.db"))
    store = Store.open(settings)
    staging = Staging(store, ScriptedEmbedder(dimension=DIMENSION), mode="dense")
    staging.insert_chunks(CHUNKS[:3], VECTORS[:3])
    staging.commit(staging.seal("/docs").commit, keep=1)
    state = store.state()
    store.close()
    again = Store.open(settings)
    try:
        assert again.state() == state
        assert sorted(chunk.id for chunk in again.snapshot().chunks()) == ["c0", "c1", "c2"]
    finally:
        again.close()


@pytest.mark.parametrize(
    "name", ["milvus", "with space.db", "数据.db", "x" * 34 + ".db", "semi;colon.db", "m.sqlite", ".db"]
)
def test_a_bad_file_name_is_an_error_of_the_settings(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.uri"):
        Store.open(StoreSettings(uri=str(tmp_path / name)))


@pytest.mark.timeout(60)
def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:1"):
        Store.open(StoreSettings(uri="http://127.0.0.1:1")).connect()


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable, match="file/sub: cannot be"):
        Store.open(StoreSettings(uri=str(tmp_path / "file" / "sub" / "m.db"))).connect()


@pytest.mark.parametrize("content", [b"garbage" * 3000, b"SQLite format 3\0" + bytes(5000)], ids=["noise", "a header"])
def test_a_corrupted_file_is_a_store_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"m\.db"):
        _read_and_close(path)
    # A broken database is evidence, so it is not overwritten.
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "m.db").mkdir()
    with pytest.raises(StoreError, match=r"m\.db"):
        _read_and_close(tmp_path / "m.db")


def _read_and_close(path: Path) -> None:
    store = Store.open(StoreSettings(uri=str(path)))
    try:
        store.snapshot()
    finally:
        store.close()


_OPEN = """
import sys
from rag.settings import StoreSettings
from rag.errors import StoreLocked
from rag.store.store import Store
try:
    store = Store.open(StoreSettings(uri=sys.argv[1]))
    store.connect()
    store.close()
except StoreLocked as error:
    print(f"locked: {error}")
else:
    print("opened")
"""


def test_a_second_process_is_refused_by_name_every_time(tmp_path: Path) -> None:
    """In milvus-lite 2.5.1 a second process that fails to take the lock removes the lock file of the first."""
    path = tmp_path / "m.db"
    store = Store.open(StoreSettings(uri=str(path)))
    store.connect()
    try:
        for _ in range(2):
            said = _in_another_process(path)
            assert said.startswith("locked"), said
            assert str(path) in said
            assert str(os.getpid()) in said
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
            Store.open(StoreSettings(uri=uri, connect_timeout_seconds=1)).connect()


def test_reading_an_index_that_nobody_has_made_creates_nothing(tmp_path: Path) -> None:
    store = Store.open(StoreSettings(uri=str(tmp_path / "sub" / "m.db")))
    try:
        assert store.state() is None
        assert store.notes.is_clean()
        assert store.notes.read_lease() is None
        assert store.namespaces() == []
        with pytest.raises(StoreEmpty):
            store.snapshot()
    finally:
        store.close()
    assert list(tmp_path.iterdir()) == []


def test_threads_that_wait_for_a_connection_share_its_failure(tmp_path: Path) -> None:
    """Otherwise the last of many requests to a server that is away would wait for the attempts of all others."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = Store.open(StoreSettings(uri=uri, connect_timeout_seconds=1))
        started = threading.Barrier(8)

        def read() -> StoreError:
            started.wait()
            with pytest.raises(StoreError) as caught:
                store.state()
            return caught.value

        with ThreadPoolExecutor(8) as pool:
            errors = [each.result() for each in [pool.submit(read) for _ in range(8)]]
    assert all(uri in str(error) for error in errors)
    shared = [error for error in errors if isinstance(error.__cause__, StoreError)]
    assert len(shared) >= 4


@pytest.mark.parametrize(
    "setting", [{"index": "HNSW"}, {"mmap": True}, {"replicas": 2}, {"search_parameters": {"ef": 9}}]
)
def test_a_file_has_only_the_usual_index(setting: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store\.index, .* need a Milvus server; .*m\.db is a file"):
        Store.open(StoreSettings(uri=str(tmp_path / "m.db"), **setting))
