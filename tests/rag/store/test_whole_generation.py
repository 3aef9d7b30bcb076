"""A search of a small generation in memory finds what Milvus finds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreUnavailable
from rag.models.embedders.protocol import Vector
from rag.store import chunk_cache
from rag.store.filters import Equals
from rag.store.joint import JointSnapshot
from rag.store.rankings import Ranking
from rag.store.restricted import RestrictedStore
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.whole_generation import WholeGeneration
from tests.kit.raw_rows import another_store
from tests.kit.stored_chunks import DIMENSION, chunk, stored_chunks
from tests.kit.waiting import eventually

WORDS = [f"word{number}" for number in range(40)]
FEW = 7


def texts() -> list[str]:
    """Texts of different lengths, in which some words are frequent, and some texts have a word many times."""
    random = np.random.default_rng(20)
    shares = 1 / np.arange(1, len(WORDS) + 1)
    return [" ".join(random.choice(WORDS, random.integers(1, 60), p=shares / shares.sum())) for _ in range(80)]


CHUNKS = [replace(chunk(number, f"{number}.md"), content=text) for number, text in enumerate(texts())]
VECTORS = np.random.default_rng(21).normal(size=(len(CHUNKS), DIMENSION)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)

vectors = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(size=DIMENSION))
terms = st.lists(st.sampled_from([*WORDS, "title", "3", "absent", "向"]), min_size=1, max_size=8, unique=True)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store"), CHUNKS, VECTORS) as store:
        yield store


@pytest.fixture
def store(stored: Store) -> Store:
    """One that remembers nothing yet."""
    return another_store(stored)


@pytest.fixture(scope="module")
def in_memory(stored: Store) -> Snapshot:
    return whole(another_store(stored))


def whole(store: Store) -> Snapshot:
    """A snapshot of which everything is in memory."""
    snapshot = store.snapshot()
    snapshot.read_chunks(chunk.id for chunk in CHUNKS)
    for _ in range(2):
        snapshot.rank_by_vector(VECTORS[0], limit=1)
    eventually(lambda: snapshot.is_in_memory)
    return snapshot


def assert_same(one: Ranking, other: Ranking) -> None:
    """Assert that both have the same scores, and the same chunks but for those that score as much as the last one."""
    assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=1e-4)
    last = min((score for _, score in one), default=0.0)
    assert {name for name, score in one if score > last + 1e-3} == {
        name for name, score in other if score > last + 1e-3
    }


@given(vectors, st.sampled_from([1, FEW, len(CHUNKS) + 5]))
@settings(max_examples=50)
def test_the_nearest_chunks_are_those_of_milvus(stored: Store, in_memory: Snapshot, vector: Vector, limit: int) -> None:
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    assert_same(
        in_memory.rank_by_vector(unit, limit=limit), another_store(stored).snapshot().rank_by_vector(unit, limit=limit)
    )


@given(terms, st.sampled_from([1, FEW, len(CHUNKS) + 5]))
@settings(max_examples=50)
def test_the_best_matches_are_those_of_milvus(stored: Store, in_memory: Snapshot, asked: list[str], limit: int) -> None:
    assert_same(
        in_memory.rank_by_terms(asked, limit=limit), another_store(stored).snapshot().rank_by_terms(asked, limit=limit)
    )


def test_a_search_in_memory_asks_nothing_of_milvus(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = whole(store)
    with monkeypatch.context() as patch:
        patch.delattr(snapshot, "_milvus")
        assert snapshot.rank_by_vector(VECTORS[3], limit=1)[0][0] == "c3"
        assert snapshot.rank_by_terms([], limit=FEW) == snapshot.rank_by_terms(["absent"], limit=FEW) == []


def test_of_equal_chunks_the_first_by_id_is_found(stored: Store) -> None:
    found = another_store(stored).snapshot().read_chunks(["c0"])["c0"]
    twins = [replace(found, chunk=replace(found.chunk, id=name)) for name in "dbca"]
    same = WholeGeneration([(twin, VECTORS[0]) for twin in twins])
    assert [name for name, _ in same.rank(VECTORS[0], 2)] == ["a", "b"]
    assert [name for name, _ in same.rank("title", 3)] == ["a", "b", "c"]


def test_a_search_with_a_filter_and_one_of_a_part_are_left_to_milvus(store: Store) -> None:
    whole(store)
    (nearest,) = store.snapshot().rank_by_vector(VECTORS[3], limit=FEW, search_filter=Equals("source", "5.md"))
    assert nearest[0] == "c5"
    visible = RestrictedStore(store, Equals("source", "5.md")).snapshot()
    assert not visible.is_in_memory
    assert [name for name, _ in visible.rank_by_vector(VECTORS[3], limit=FEW)] == ["c5"]


def test_who_sees_a_part_has_all_read_for_the_others(store: Store) -> None:
    store.snapshot().read_chunks(chunk.id for chunk in CHUNKS)
    visible = RestrictedStore(store, Equals("source", "5.md")).snapshot()
    for _ in range(2):
        visible.rank_by_vector(VECTORS[0], limit=1)
    eventually(lambda: store.snapshot().is_in_memory)
    assert len(store.snapshot().rank_by_vector(VECTORS[0], limit=len(CHUNKS))) == len(CHUNKS)
    assert [name for name, _ in visible.rank_by_vector(VECTORS[3], limit=FEW)] == ["c5"]


def test_a_file_whose_process_has_ended_is_an_error_though_all_is_in_memory(tmp_path: Path) -> None:
    with stored_chunks(tmp_path, CHUNKS, VECTORS) as store:
        assert whole(store).is_in_memory
        store.snapshot()
        process = store._milvus._connection._file.process._process
        process.kill()
        process.wait()
        with pytest.raises(StoreUnavailable):
            store.snapshot()


def test_several_knowledge_bases_are_in_memory_if_all_are(store: Store) -> None:
    other = another_store(store).snapshot()
    joint = JointSnapshot((whole(store), other))
    assert not joint.is_in_memory
    assert JointSnapshot((joint.parts[0],)).is_in_memory


def test_vectors_that_would_take_too_much_memory_stay_in_milvus(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_cache, "_MAX_NUMBERS", len(CHUNKS) * DIMENSION - 1)
    snapshot = store.snapshot()
    snapshot.read_chunks(chunk.id for chunk in CHUNKS)
    assert not any(store._chunk_cache.should_complete(snapshot.commit) for _ in range(3))
