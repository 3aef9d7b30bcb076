"""A generation as readers see it, on a real Milvus Lite file."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import FilterError, StoreError
from rag.store import rows
from rag.store.expressions import quote_value
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.store.versions import DocumentRecord
from tests.kit.stored_chunks import CHUNKS, SOURCES, UnitEmbedder, stored_chunks


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


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
    assert {*rows.columns_of(rows.SCHEMA_VERSION), "vector"} == rows.to_chunk_row(CHUNKS[0], vector, born=1).keys()
    assert rows.columns_of(1) == [name for name in rows.columns_of(2) if name != "facets"]
