"""A generation as readers see it, on a real Milvus Lite file."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import FilterError, StoreError
from rag.store.expressions import quote_value
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix
from rag.store.records import DocumentRecord
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from tests.kit.stored_chunks import CHUNKS, SOURCES, VECTORS, stored_chunks


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture(scope="module")
def snapshot(store: Store) -> Snapshot:
    return store.snapshot()


def found(snapshot: Snapshot, search_filter: Filter) -> list[str]:
    return sorted(chunk.source for chunk in snapshot.chunks(search_filter))


def test_a_chunk_comes_back_as_it_was_stored(snapshot: Snapshot) -> None:
    stored = snapshot.read_chunks(chunk.id for chunk in snapshot.chunks())
    assert [stored[each.id].chunk for each in CHUNKS] == CHUNKS
    assert {"word3", "common", "向量", "title"} <= stored["c3"].terms.keys()


def test_the_manifest_comes_back_as_it_was_stored(snapshot: Snapshot) -> None:
    assert snapshot.documents() == {
        each.source: DocumentRecord(each.source, "h", "f", 1, 2, each.title, 1) for each in CHUNKS
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


def test_both_searches_keep_to_the_filter(snapshot: Snapshot) -> None:
    either = In("source", ("a.md", "b.md"))
    by_vector = snapshot.search_vectors(VECTORS[0], limit=50, search_filter=either)
    by_terms = snapshot.search_terms(["common"], limit=50, search_filter=either)
    for hits in (by_vector, by_terms):
        assert {each.chunk.source for each, _ in hits} == {"a.md", "b.md"}


def test_a_filter_never_reaches_another_generation(store: Store, snapshot: Snapshot) -> None:
    """Even if it is joined by `or`, it is inside the filter of the generation."""
    everything = AnyOf((Equals("kind", "text"), Not(Equals("kind", "text"))))
    assert len(found(snapshot, everything)) == len(CHUNKS)
    earlier = store.snapshot_of(replace(snapshot.commit, generation=snapshot.generation - 1))
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
        written = quote_value(text)
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
