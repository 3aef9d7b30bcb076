"""The store as readers see it, on a real Milvus Lite file, and what opening it says when it cannot."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.staging import Staging
from rag import rows
from rag.config import StoreSettings
from rag.embedders import Matrix, Vector
from rag.errors import (
    ConfigError,
    FilterError,
    StoreEmpty,
    StoreError,
    StoreUnavailable,
    ZhiwenError,
)
from rag.filters import All, AnyOf, Equals, Filter, In, Not, Prefix
from rag.milvus import Milvus, literal
from rag.store import DocumentRecord, Snapshot, Store
from rag.vocabulary import Chunk

SOURCES = [
    "a.md",
    "b.md",
    'quote".md',
    "it's.md",
    "back\\slash.md",
    'end\\".md',
    "trailing\\",
    "100%.md",
    "under_score.md",
    "underXscore.md",
    "表格/中文 名.md",
    "emoji 🙂👩‍💻.md",
    "é.md",
    "{curly}.md",
    "\\u0041.md",
    "\\n.md",
    "' or source != '",
    '" or born >= 0 or source == "',
    "a.md ",
    "A.MD",
]


class UnitEmbedder:
    """A vector of its own for each text, in the order in which they come."""

    name = "test/units"
    fingerprint = "0" * 16
    dimension = 32
    max_tokens = 1000

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> Vector:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        return np.eye(self.dimension, dtype=np.float32)[: len(texts)]


def chunk(number: int, source: str) -> Chunk:
    return Chunk(
        id=f"c{number}",
        source=source,
        title=f"Title {number}",
        heading_path=("Top", f"H{number // 2}"),
        anchor="h",
        kind="text",
        position=number,
        group="g",
        start_line=number + 1,
        end_line=number + 2,
        content=f"word{number} common 向量",
        metadata={"tags": ["x", "y"], "number": number, "none": None, "text": 'a "b" \\ 汉 🙂'},
    )


CHUNKS = [chunk(number, source) for number, source in enumerate(SOURCES)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings = StoreSettings(uri=str(tmp_path_factory.mktemp("store") / "new" / "m.db"), collection="reading")
    store = Store.open(settings)
    staging = Staging(store, UnitEmbedder(), mode="hybrid")
    staging.add(CHUNKS, UnitEmbedder().embed_documents([each.content for each in CHUNKS]))
    staging.put_documents([DocumentRecord(each.source, "h", "r", 1, 2, each.title, 1) for each in CHUNKS])
    staging.commit(staging.seal("/docs").commit, keep=1)
    yield store
    store.close()


@pytest.fixture(scope="module")
def snapshot(store: Store) -> Snapshot:
    return store.snapshot()


def found(snapshot: Snapshot, condition: Filter) -> list[str]:
    return sorted(stored.chunk.source for stored in snapshot.chunks(condition))


def test_a_chunk_comes_back_as_it_was_stored(snapshot: Snapshot) -> None:
    stored = {each.chunk.id: each for each in snapshot.chunks()}
    assert [stored[each.id].chunk for each in CHUNKS] == CHUNKS
    assert {"word3", "common", "向量", "title"} <= stored["c3"].terms


def test_the_manifest_comes_back_as_it_was_stored(snapshot: Snapshot) -> None:
    assert snapshot.documents() == {
        each.source: DocumentRecord(each.source, "h", "r", 1, 2, each.title, 1) for each in CHUNKS
    }
    assert (snapshot.commit.documents, snapshot.commit.chunks) == (len(CHUNKS), len(CHUNKS))


def test_the_nearest_vector_comes_first_with_its_cosine(snapshot: Snapshot) -> None:
    vector = np.zeros(32, dtype=np.float32)
    vector[[4, 7]] = 0.6, 0.8
    hits = snapshot.search_vectors(vector, limit=3)
    assert [(stored.chunk.id, round(score, 4)) for stored, score in hits[:2]] == [("c7", 0.8), ("c4", 0.6)]
    assert len(hits) == 3


def test_the_chunk_that_holds_the_term_comes_first(snapshot: Snapshot) -> None:
    hits = snapshot.search_terms(["word5", "common"], limit=50)
    assert hits[0][0].chunk.id == "c5"
    assert len(hits) == len(CHUNKS)
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)


def test_unknown_terms_find_nothing(snapshot: Snapshot) -> None:
    assert snapshot.search_terms(["nowhere"], limit=5) == []
    assert snapshot.search_terms([], limit=5) == []


def test_both_searches_keep_to_the_condition(snapshot: Snapshot) -> None:
    condition = In("source", ("a.md", "b.md"))
    vector = UnitEmbedder().embed_query("x")
    assert {each.chunk.source for each, _ in snapshot.search_vectors(vector, limit=50, condition=condition)} == {
        "a.md",
        "b.md",
    }
    assert {each.chunk.source for each, _ in snapshot.search_terms(["common"], limit=50, condition=condition)} == {
        "a.md",
        "b.md",
    }


def test_a_condition_never_reaches_another_generation(store: Store, snapshot: Snapshot) -> None:
    """Joined by `or`, it still stands inside the generation's own filter."""
    everything = AnyOf((Equals("kind", "text"), Not(Equals("kind", "text"))))
    assert len(found(snapshot, everything)) == len(CHUNKS)
    earlier = Snapshot(store, replace(snapshot.commit, generation=snapshot.generation - 1))
    assert found(earlier, everything) == []


def test_headings_are_distinct_and_in_order(snapshot: Snapshot) -> None:
    headings = snapshot.headings()
    assert len(headings) == len(set(headings)) == len(CHUNKS) // 2
    assert all(heading[0] == "Top" for heading in headings)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_matches_itself_and_no_other(snapshot: Snapshot, source: str) -> None:
    assert found(snapshot, Equals("source", source)) == [source]
    assert found(snapshot, In("source", (source, "nowhere"))) == [source]
    assert source not in found(snapshot, Not(Equals("source", source)))


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "\\",
        '\\"',
        "%",
        "_",
        "a%",
        "%.md",
        "*",
        "' or 1 == 1",
        '" or "" == "',
        '") or (born >= 0',
        "a.md\\",
        "汉",
        "🙂",
    ],
)
def test_a_text_that_no_document_has_matches_none(snapshot: Snapshot, text: str) -> None:
    assert found(snapshot, Equals("source", text)) == []


hostile = st.text(st.sampled_from("\"'\\%_(){}[]=<>!&| \nab./\u2028汉🙂\ud800\0or"), max_size=12) | st.text(max_size=8)


@given(hostile)
def test_any_text_matches_only_itself_or_is_refused(snapshot: Snapshot, text: str) -> None:
    try:
        assert found(snapshot, Equals("source", text)) == [text] * (text in SOURCES)
        assert set(found(snapshot, Prefix("source", text))) == {each for each in SOURCES if each.startswith(text)}
        assert found(snapshot, All((Equals("source", "a.md"), Not(Equals("text", text))))) == ["a.md"]
    except FilterError:
        return


@given(st.text())
def test_a_literal_is_one_quoted_value_or_refused(text: str) -> None:
    try:
        written = literal(text)
    except FilterError:
        return
    assert written.startswith('"')
    assert written.endswith('"')
    inside = written[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside
    written.encode()


def test_a_vector_of_another_embedder_is_refused_with_both_sizes(snapshot: Snapshot) -> None:
    with pytest.raises(StoreError, match=r"32 numbers.*gives 16.*zhiwen ingest"):
        snapshot.search_vectors(np.ones(16, dtype=np.float32), limit=1)


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


def test_an_index_of_an_earlier_version_is_read_but_not_filtered_by_front_matter(
    store: Store, snapshot: Snapshot
) -> None:
    earlier = Snapshot(store, replace(snapshot.commit, schema=1))
    assert found(earlier, Equals("source", "a.md")) == ["a.md"]
    for condition in (Equals("tags", "ops"), Not(Prefix("lang", "z"))):
        with pytest.raises(StoreError, match="cannot be filtered by front matter; run `zhiwen ingest`"):
            found(earlier, condition)


def test_the_columns_of_the_schema_are_those_that_rows_have(store: Store, snapshot: Snapshot) -> None:
    vector = UnitEmbedder().embed_documents(["a"])[0]
    assert {*rows.columns_of(rows.SCHEMA_VERSION), "vector"} == rows.chunk_row(CHUNKS[0], vector, born=1).keys()
    assert rows.columns_of(1) == [name for name in rows.columns_of(2) if name != "facets"]


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
    store.milvus.upsert("pages", [rows.state_row(key, {"key": key}) for key in keys])
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
from rag.config import StoreSettings
from rag.errors import StoreLocked
from rag.store import Store
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
