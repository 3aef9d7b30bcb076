"""Dense and lexical results become one list, weighted by their scores."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.fusion import WORD_WEIGHT, WordWeight, bm25_share, fuse, weighted_term_coverage
from rag.store.rows import StoredChunk
from rag.types import Chunk, Hit

IDF = {"ollama": 2.0, "部署": 1.0, "平台": 1.0}


def stored(name: str, *terms: str, source: str = "a.md", position: int = 0) -> StoredChunk:
    chunk = Chunk(
        id=name,
        source=source,
        title="",
        heading_path=(),
        anchor="",
        kind="text",
        position=position,
        group=name,
        start_line=1,
        end_line=1,
        content=name,
    )
    return StoredChunk(chunk, Counter(terms))


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.id for hit in hits]


CHUNKS = [
    stored(f"c{number}", *[term for bit, term in enumerate([*IDF, "other"]) if number >> bit & 1], position=number)
    for number in range(16)
]
cosines = st.floats(-1, 1, allow_nan=False)
dense_results = st.lists(
    st.tuples(st.sampled_from(CHUNKS), cosines), max_size=12, unique_by=lambda pair: pair[0].chunk.id
)
lexical_results = st.lists(
    st.tuples(st.sampled_from(CHUNKS), st.floats(0.01, 50)), max_size=12, unique_by=lambda pair: pair[0].chunk.id
)
idfs = st.dictionaries(st.sampled_from([*IDF, "unknown"]), st.floats(0, 20, allow_nan=False), max_size=4)


def test_a_chunk_of_both_retrievers_is_one_hit_with_both_scores() -> None:
    both = stored("both", "ollama", "部署", "平台")
    hits = fuse([(both, 0.9), (stored("dense"), 0.5)], [(both, 7.0)], IDF)
    assert names(hits) == ["both", "dense"]
    best = hits[0]
    assert (best.cosine, best.coverage, best.bm25) == (0.9, 1.0, 7.0)
    assert best.score == pytest.approx(1.0), "the best of both"


def test_coverage_is_the_share_of_the_questions_idf_mass() -> None:
    assert fuse([(stored("half", "ollama", "irrelevant"), 0.9)], [], IDF)[0].coverage == 0.5
    assert weighted_term_coverage({"ollama"}, {}) == 0.0


def test_bm25_counts_as_a_share_of_the_highest_score_the_question_could_give() -> None:
    assert bm25_share(4.4, IDF) == pytest.approx(0.5)
    assert bm25_share(4.4, IDF | {"nowhere": 4.0}) == pytest.approx(0.25), "terms that are in no chunk count too"
    assert bm25_share(0.0, {}) == 0.0


def test_similarity_decides_if_most_words_are_in_no_chunk() -> None:
    """A Chinese question on English text: a stray match must not push the right passage down."""
    right, stray = stored("right"), stored("stray", "平台")
    idf = {"平台": 0.5, "云": 9.0, "原": 9.0, "生": 9.0}
    hits = fuse([(right, 0.9), (stored("other"), 0.8), (stray, 0.7)], [(stray, 1.2)], idf)
    assert names(hits) == ["right", "other", "stray"]


def test_a_full_match_of_the_words_beats_similarity_alone() -> None:
    exact = stored("exact", *IDF)
    idf = IDF | {"ollama": 6.0}
    hits = fuse([(stored("near"), 0.9), (stored("far"), 0.5)], [(exact, 17.6)], idf)
    assert names(hits) == ["exact", "near", "far"]
    assert hits[0].cosine == 0.5, "the lowest cosine of the dense results"
    assert hits[0].score == pytest.approx(WORD_WEIGHT.of([(exact, 17.6)], idf))


def test_words_count_more_the_more_of_the_question_they_match() -> None:
    little, much = (WORD_WEIGHT.of([(stored("one", "平台"), score)], IDF) for score in (0.4, 8.0))
    assert 0 < little < much / 2 < 0.5


def test_a_fixed_weight_is_one_without_slopes() -> None:
    (hit,) = fuse([(stored("one"), 0.9)], [(stored("one"), 4.0)], IDF, word_weight=WordWeight(math.log(3), 0, 0, 0))
    assert hit.score == pytest.approx(0.25 * 1 + 0.75 * (1 + 0) / 2)


def test_without_any_candidate_there_is_no_hit() -> None:
    assert fuse([], [], IDF) == []


def test_without_dense_candidates_the_words_decide() -> None:
    hits = fuse([], [(stored("some", "部署"), 1.0), (stored("more", "ollama", "部署"), 3.0)], IDF)
    assert names(hits) == ["more", "some"]
    assert all(hit.cosine == 0.0 for hit in hits)


def test_without_lexical_results_similarity_decides_and_coverage_is_still_given() -> None:
    hits = fuse([(stored("far", "ollama"), 0.8), (stored("near"), 0.9)], [], IDF)
    assert [(hit.chunk.id, hit.score, hit.coverage) for hit in hits] == [("near", 1.0, 0.0), ("far", 0.0, 0.5)]


def test_a_single_candidate_has_the_full_similarity() -> None:
    assert fuse([(stored("only"), 0.3)], [], IDF)[0].score == 1.0


def test_equal_scores_are_ordered_by_document_and_position() -> None:
    tied = [
        (stored("3", source="b.md", position=0), 0.5),
        (stored("2", source="a.md", position=7), 0.5),
        (stored("1", source="a.md", position=3), 0.5),
    ]
    assert names(fuse(tied, [], IDF)) == ["1", "2", "3"]


@given(dense_results, lexical_results, idfs)
def test_every_number_is_finite_and_every_score_between_0_and_1(
    dense: list[tuple[StoredChunk, float]], lexical: list[tuple[StoredChunk, float]], idf: Mapping[str, float]
) -> None:
    hits = fuse(dense, lexical, idf)
    assert {hit.chunk.id for hit in hits} == {one.chunk.id for one, _ in (*dense, *lexical)}
    for hit in hits:
        assert 0 <= hit.score <= 1 + 1e-9
        assert 0 <= hit.coverage <= 1 + 1e-9
        assert math.isfinite(hit.cosine)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(dense_results, lexical_results, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    dense: list[tuple[StoredChunk, float]], lexical: list[tuple[StoredChunk, float]], random: Any
) -> None:
    expected = fuse(dense, lexical, IDF)
    random.shuffle(dense)
    random.shuffle(lexical)
    assert fuse(dense, lexical, IDF) == expected


@given(dense_results, lexical_results)
def test_similarities_on_another_scale_give_the_same_scores(
    dense: list[tuple[StoredChunk, float]], lexical: list[tuple[StoredChunk, float]]
) -> None:
    dense = [(one, round(cosine, 3)) for one, cosine in dense]
    shifted = [(one, 0.8 + cosine / 10) for one, cosine in dense]
    before = {hit.chunk.id: hit.score for hit in fuse(dense, lexical, IDF)}
    after = {hit.chunk.id: hit.score for hit in fuse(shifted, lexical, IDF)}
    assert after == pytest.approx(before, abs=1e-6)


@given(dense_results, lexical_results, st.floats(1, 10))
def test_a_better_match_of_the_words_never_lowers_a_rank(
    dense: list[tuple[StoredChunk, float]], lexical: list[tuple[StoredChunk, float]], factor: float
) -> None:
    if not lexical:
        return
    first, score = lexical[0]
    before = names(fuse(dense, lexical, IDF)).index(first.chunk.id)
    after = names(fuse(dense, [(first, score * factor), *lexical[1:]], IDF)).index(first.chunk.id)
    assert after <= before
