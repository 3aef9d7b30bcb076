"""Neighbours are the same from memory and from the store, and memory is used for small generations alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.models.embedders.protocol import Vector
from rag.store import chunk_cache
from rag.store.chunk_cache import ChunkCache
from rag.store.filters import Equals
from rag.store.joint import JointSnapshot
from rag.store.neighbourhood import ChunkPlaces, Neighbourhood, Window
from rag.store.restricted import RestrictedStore
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.types import Chunk
from tests.kit.raw_rows import another_store
from tests.kit.stored_chunks import CHUNKS, SOURCES, VECTORS, stored_chunks
from tests.kit.waiting import eventually

EVERYTHING = Neighbourhood(tuple(Window("default", source, 0, len(CHUNKS)) for source in SOURCES))

windows = st.builds(
    Window, st.sampled_from(["default", "other"]), st.sampled_from(SOURCES), st.integers(-1, 20), st.integers(-1, 20)
)
groups = st.sampled_from(["default/g", "default/h", "other/g"])
neighbourhoods = st.builds(
    Neighbourhood, st.lists(windows, max_size=4).map(tuple), st.lists(groups, max_size=2).map(tuple)
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture
def store(stored: Store) -> Store:
    """One that remembers nothing yet."""
    return another_store(stored)


def ids(chunks: list[Chunk]) -> list[str]:
    return sorted(chunk.id for chunk in chunks)


@given(neighbourhoods)
def test_memory_has_the_same_neighbours_as_the_store(stored: Store, wanted: Neighbourhood) -> None:
    here = wanted.within("default")
    read = list(stored.snapshot().chunks(here.as_filter)) if here else []
    assert ids(ChunkPlaces(CHUNKS).chunks(here)) == ids(read)
    assert ids(another_store(stored).snapshot().neighbours(wanted)) == ids(read)


def remember(store: Store, chunks: int) -> Snapshot:
    snapshot = store.snapshot()
    snapshot.read_chunks(chunk.id for chunk in CHUNKS[:chunks])
    for _ in range(2):
        snapshot.rank_by_vector(VECTORS[0], limit=1)
    return snapshot


def test_the_first_question_alone_does_not_read_the_rest(store: Store) -> None:
    """A command asks no second one."""
    snapshot = store.snapshot()
    snapshot.read_chunks(chunk.id for chunk in CHUNKS)
    assert not store._chunk_cache.should_complete(snapshot.commit)
    assert store._chunk_cache.should_complete(snapshot.commit)
    assert not store._chunk_cache.should_complete(snapshot.commit), "once"


def test_a_small_generation_is_kept_as_soon_as_a_quarter_of_it_was_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = remember(store, len(CHUNKS) // 4)
    eventually(lambda: store._chunk_cache.whole(snapshot.commit) is not None)
    with monkeypatch.context() as patch:
        patch.delattr(snapshot, "_milvus")
        assert ids(snapshot.neighbours(EVERYTHING)) == ids(CHUNKS)
        assert snapshot.read_chunks(chunk.id for chunk in CHUNKS).keys() == {chunk.id for chunk in CHUNKS}


@pytest.mark.parametrize("is_large", [True, False])
def test_neighbours_are_read_one_by_one_in_a_large_generation_and_for_the_first_questions(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    monkeypatch.setattr(chunk_cache, "KEPT_CHUNKS", len(CHUNKS) - is_large)
    snapshot = remember(store, len(CHUNKS) if is_large else len(CHUNKS) // 4 - 1)
    assert not store._chunk_cache.should_complete(snapshot.commit)
    assert ids(snapshot.neighbours(EVERYTHING)) == ids(CHUNKS)
    assert store._chunk_cache.whole(snapshot.commit) is None


def test_a_generation_that_cannot_be_read_whole_is_not_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    cache, commit = ChunkCache(), store.snapshot().commit
    some = store.snapshot().read_chunks(chunk.id for chunk in CHUNKS[:-1]).values()
    cache.complete(commit, lambda: [(stored, VECTORS[0]) for stored in some])
    assert cache.whole(commit) is None

    def fail() -> list[tuple[chunk_cache.StoredChunk, Vector]]:
        raise StoreError("the server is away")

    cache.complete(commit, fail)
    assert cache.whole(commit) is None
    assert "the server is away" in caplog.text


def test_what_is_hidden_is_no_neighbour_though_it_is_in_memory(store: Store) -> None:
    snapshot = remember(store, len(CHUNKS))
    eventually(lambda: store._chunk_cache.whole(snapshot.commit) is not None)
    assert len(snapshot.neighbours(EVERYTHING)) == len(CHUNKS)
    hidden = RestrictedStore(store, Equals("source", "a.md")).snapshot()
    assert [chunk.source for chunk in hidden.neighbours(EVERYTHING)] == ["a.md"]
    assert hidden.neighbours(Neighbourhood()) == []


def test_each_knowledge_base_has_its_own_neighbours(store: Store) -> None:
    other = Store(store._milvus, collection=store.collection, knowledge_base="other", background=store._background)
    joint = JointSnapshot((store.snapshot(), other.snapshot()))
    wanted = Neighbourhood((Window("other", "a.md", 0, 9),))
    assert joint.neighbours(wanted) == [replace(CHUNKS[0], knowledge_base="other")]
