"""What is written for one generation is invisible in the one before, and can be undone or cleaned up."""

import itertools
from collections.abc import Iterator

import pytest

from rag.store.columns import text_hash
from rag.store.namespace import Namespace
from rag.store.records import DocumentRecord
from rag.store.store import Store
from rag.wiring import open_store
from tests.kit.corpus import settings_for
from tests.kit.stored_chunks import CHUNKS, DIMENSION, VECTORS

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("namespace")
    with open_store(settings_for(folder, folder / "m.db")) as store:
        yield store


@pytest.fixture
def namespace(store: Store) -> Namespace:
    """The first three chunks and their documents, born in generation 1."""
    namespace = store.new_namespace(next(_numbers))
    namespace.create(dimension=DIMENSION, lexical=True)
    namespace.insert_chunks(CHUNKS[:3], VECTORS[:3], born=1)
    namespace.put_documents([record(chunk.source) for chunk in CHUNKS[:3]], born=1)
    return namespace


def record(source: str) -> DocumentRecord:
    return DocumentRecord(source, "hash", "fingerprint", 1, 1, "Title", 1)


def ids(namespace: Namespace, generation: int) -> list[str]:
    found = namespace.live_chunks([chunk.source for chunk in CHUNKS], generation=generation)
    return sorted(live.chunk.id for live in found)


def test_chunks_come_back_as_they_were_inserted(namespace: Namespace) -> None:
    live = {each.chunk.id: each for each in namespace.live_chunks([CHUNKS[1].source], generation=1)}
    assert live.keys() == {"c1"}
    assert live["c1"].chunk == CHUNKS[1]
    assert {"word1", "common"} <= live["c1"].terms.keys()


def test_a_generation_is_counted_and_shown_by_itself(namespace: Namespace) -> None:
    namespace.insert_chunks(CHUNKS[3:4], VECTORS[3:4], born=2)
    namespace.put_documents([record(CHUNKS[3].source)], born=2)
    namespace.tombstone_chunks(namespace.live_chunks([CHUNKS[0].source], generation=1), died=2)
    namespace.tombstone_documents([CHUNKS[0].source], generation=1, died=2)
    assert (ids(namespace, 1), ids(namespace, 2)) == (["c0", "c1", "c2"], ["c1", "c2", "c3"])
    assert [namespace.count_chunks(generation) for generation in (1, 2)] == [3, 3]
    assert [namespace.count_documents(generation) for generation in (1, 2)] == [3, 3]


def test_restoring_undoes_births_and_deaths(namespace: Namespace) -> None:
    namespace.insert_chunks(CHUNKS[3:4], VECTORS[3:4], born=2)
    namespace.tombstone_chunks(namespace.live_chunks([CHUNKS[0].source], generation=1), died=2)
    namespace.tombstone_documents([CHUNKS[0].source], generation=1, died=2)
    for _ in range(2):
        namespace.restore(1)
        for generation in (1, 2, 3):
            assert ids(namespace, generation) == ["c0", "c1", "c2"]
            assert namespace.count_chunks(generation) == namespace.count_documents(generation) == 3


def test_what_died_is_purged_and_what_lives_stays(namespace: Namespace) -> None:
    namespace.tombstone_chunks(namespace.live_chunks([CHUNKS[0].source], generation=1), died=2)
    namespace.purge(1)
    assert ids(namespace, 1) == ["c0", "c1", "c2"]
    namespace.purge(2)
    assert ids(namespace, 1) == ids(namespace, 2) == ["c1", "c2"]


def test_a_vector_is_found_by_its_text_in_whatever_generation(namespace: Namespace) -> None:
    namespace.tombstone_chunks(namespace.live_chunks([CHUNKS[0].source], generation=1), died=2)
    hashes = [text_hash(chunk.searchable_text) for chunk in CHUNKS]
    found = namespace.vectors_by_text_hash(hashes)
    assert {key: vector.tolist() for key, vector in found.items()} == dict(
        zip(hashes[:3], VECTORS[:3].tolist(), strict=True)
    )


def test_term_statistics_are_those_of_a_generation(namespace: Namespace) -> None:
    namespace.put_terms([{"chunks": 3, "terms": "a"}, {"chunks": 0, "terms": "b"}], born=1)
    namespace.put_terms([{"chunks": 1, "terms": "c"}], born=2)
    assert [len(namespace.term_payloads(generation)) for generation in (0, 1, 2)] == [0, 2, 3]
    namespace.tombstone_terms(generation=2, died=3)
    assert [len(namespace.term_payloads(generation)) for generation in (1, 2, 3)] == [2, 3, 0]


def test_more_names_than_a_list_takes_are_all_looked_up(namespace: Namespace) -> None:
    many = [f"absent{number}.md" for number in range(1000)]
    found = namespace.live_chunks([*many, CHUNKS[2].source], generation=1)
    assert [live.chunk.id for live in found] == ["c2"]


def test_a_namespace_is_listed_until_it_is_dropped(store: Store, namespace: Namespace) -> None:
    assert namespace.name in store.namespaces()
    store.drop_namespace(namespace.name)
    assert namespace.name not in store.namespaces()
    store.drop_namespace(namespace.name)
