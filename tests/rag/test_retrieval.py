"""Both legs are searched, and their candidates fused by the evidence that they bring."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer import search
from rag.config import RetrievalSettings
from rag.filters import Equals, Range
from rag.retrieval import COVERAGE_WEIGHT, Retrieval, fuse, retrieve
from rag.rows import StoredChunk
from rag.vocabulary import Chunk, Hit
from rag.wiring import Parts

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
    return StoredChunk(chunk, frozenset(terms))


def names(hits: list[Hit]) -> list[str]:
    return [hit.chunk.id for hit in hits]


chunks = st.builds(
    lambda number, terms: stored(f"c{number}", *terms, position=number),
    st.integers(0, 12),
    st.sets(st.sampled_from([*IDF, "other"])),
)
cosines = st.floats(-1, 1, allow_nan=False)
dense_legs = st.lists(st.tuples(chunks, cosines), max_size=12, unique_by=lambda pair: pair[0].chunk.id)
lexical_legs = st.lists(chunks, max_size=12, unique_by=lambda one: one.chunk.id)
weights = st.sampled_from([0.0, 0.3, COVERAGE_WEIGHT, 1.0])
idfs = st.dictionaries(st.sampled_from([*IDF, "unknown"]), st.floats(0, 20, allow_nan=False), max_size=4)


def test_a_chunk_of_both_legs_is_one_hit_with_the_evidence_of_both() -> None:
    both = stored("both", "ollama", "部署", "平台")
    hits = fuse([(both, 0.9), (stored("dense"), 0.5)], [both], IDF, COVERAGE_WEIGHT)
    assert names(hits) == ["both", "dense"]
    assert (hits[0].score, hits[0].cosine, hits[0].coverage) == (1.0, 0.9, 1.0)


def test_coverage_is_the_share_of_the_questions_idf_mass() -> None:
    hits = fuse([(stored("half", "ollama", "irrelevant"), 0.9)], [], IDF, COVERAGE_WEIGHT)
    assert hits[0].coverage == 0.5


def test_a_chunk_that_only_the_words_find_is_at_best_as_similar_as_the_last_of_the_dense_leg() -> None:
    dense = [(stored("near"), 0.9), (stored("far"), 0.5)]
    hits = fuse(dense, [stored("words", "ollama", "部署", "平台")], IDF, COVERAGE_WEIGHT)
    words = next(hit for hit in hits if hit.chunk.id == "words")
    assert words.cosine == 0.5
    assert words.score == pytest.approx(COVERAGE_WEIGHT / (1 + COVERAGE_WEIGHT))
    assert names(hits) == ["near", "words", "far"]


def test_without_any_candidate_there_is_no_hit() -> None:
    assert fuse([], [], IDF, COVERAGE_WEIGHT) == []


def test_without_dense_candidates_the_words_decide() -> None:
    hits = fuse([], [stored("some", "部署"), stored("more", "ollama", "部署")], IDF, COVERAGE_WEIGHT)
    assert names(hits) == ["more", "some"]
    assert all(hit.cosine == 0.0 for hit in hits)


def test_without_terms_the_similarity_decides() -> None:
    hits = fuse([(stored("far"), 0.1), (stored("near"), 0.8)], [], {}, COVERAGE_WEIGHT)
    assert names(hits) == ["near", "far"]
    assert [hit.coverage for hit in hits] == [0.0, 0.0]


def test_a_single_candidate_has_the_full_similarity() -> None:
    assert fuse([(stored("only"), 0.3)], [], IDF, 0.0)[0].score == 1.0


def test_without_weight_coverage_moves_nothing_but_is_still_told() -> None:
    dense = [(stored("near"), 0.9), (stored("far", "ollama"), 0.8)]
    hits = fuse(dense, [], IDF, 0.0)
    assert [(hit.chunk.id, hit.score, hit.coverage) for hit in hits] == [("near", 1.0, 0.0), ("far", 0.0, 0.5)]


def test_equal_scores_go_to_the_document_that_sorts_first_and_then_by_position() -> None:
    tied = [
        (stored("3", source="b.md", position=0), 0.5),
        (stored("2", source="a.md", position=7), 0.5),
        (stored("1", source="a.md", position=3), 0.5),
    ]
    assert names(fuse(tied, [], IDF, COVERAGE_WEIGHT)) == ["1", "2", "3"]


@given(dense_legs, lexical_legs, idfs, weights)
def test_every_number_is_finite_and_every_score_between_0_and_1(
    dense: list[tuple[StoredChunk, float]], lexical: list[StoredChunk], idf: Mapping[str, float], weight: float
) -> None:
    hits = fuse(dense, lexical, idf, weight)
    assert {hit.chunk.id for hit in hits} == {one.chunk.id for one, _ in dense} | {one.chunk.id for one in lexical}
    for hit in hits:
        assert 0 <= hit.score <= 1
        assert 0 <= hit.coverage <= 1
        assert math.isfinite(hit.cosine)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(dense_legs, lexical_legs, weights, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    dense: list[tuple[StoredChunk, float]], lexical: list[StoredChunk], weight: float, random: Any
) -> None:
    # The legs agree on what a chunk is, as they do when both come from one store.
    by_id = {one.chunk.id: one for one, _ in dense}
    lexical = [by_id.get(one.chunk.id, one) for one in lexical]
    expected = fuse(dense, lexical, IDF, weight)
    random.shuffle(dense)
    random.shuffle(lexical)
    assert fuse(dense, lexical, IDF, weight) == expected


@given(dense_legs, lexical_legs)
def test_similarities_on_another_scale_give_the_same_scores(
    dense: list[tuple[StoredChunk, float]], lexical: list[StoredChunk]
) -> None:
    dense = [(one, round(cosine, 3)) for one, cosine in dense]
    shifted = [(one, 0.8 + cosine / 10) for one, cosine in dense]
    before = {hit.chunk.id: hit.score for hit in fuse(dense, lexical, IDF, COVERAGE_WEIGHT)}
    after = {hit.chunk.id: hit.score for hit in fuse(shifted, lexical, IDF, COVERAGE_WEIGHT)}
    assert after == pytest.approx(before, abs=1e-6)


@given(dense_legs, lexical_legs, st.sampled_from(list(IDF)))
def test_holding_one_more_term_of_the_question_never_lowers_a_score(
    dense: list[tuple[StoredChunk, float]], lexical: list[StoredChunk], term: str
) -> None:
    if not dense:
        return
    first, cosine = dense[0]
    richer = StoredChunk(first.chunk, first.terms | {term})
    before = fuse(dense, [], IDF, COVERAGE_WEIGHT)
    after = fuse([(richer, cosine), *dense[1:]], [], IDF, COVERAGE_WEIGHT)
    assert score_of(after, first) >= score_of(before, first)


def score_of(hits: list[Hit], one: StoredChunk) -> float:
    return next(hit.score for hit in hits if hit.chunk.id == one.chunk.id)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("向量数据库有哪些知名组件？", "Milvus, PingCAP"),
        ("Dify 的官网是什么？", "dify.ai/zh"),
        ("什么是硅基流动？", "提供大模型 API 的供应商"),
        ("科大讯飞属于哪一层？", "科大讯飞"),
        ("学习路线里数学要学哪几门？", "线性代数"),
        ("What is the official website of PyCharm?", "jetbrains.com/pycharm"),
        ("Which vendors are listed for GPU clusters?", "NVIDIA, AMD"),
        ("Which code generation models are listed in the model layer?", "GitHub Copilot"),
    ],
)
def test_the_right_passage_of_the_shipped_knowledge_comes_first(shipped: Parts, question: str, words: str) -> None:
    assert words in search(question, shipped).hits[0].chunk.content


@pytest.mark.parametrize("identifier", ["text-embedding-ada-002", "ollama-webui", "Med-PaLM 2", "node.js", "DALL-E"])
def test_an_identifier_finds_where_it_stands(shipped: Parts, identifier: str) -> None:
    for question in (identifier, f"{identifier} 是什么？", f"What is {identifier}?"):
        assert identifier in search(question, shipped).hits[0].chunk.content


def test_an_identifier_that_nobody_wrote_covers_nothing_whole(shipped: Parts) -> None:
    hits = search("tidb_mem_quota_query", shipped).hits
    assert hits
    assert all(hit.coverage < 0.5 for hit in hits)


def test_full_width_letters_and_capitals_find_the_same(shipped: Parts) -> None:
    plain = search("milvus", shipped).hits[0].chunk.id
    assert search("ＭＩＬＶＵＳ", shipped).hits[0].chunk.id == plain


def run(shipped: Parts, question: str, settings: RetrievalSettings, **options: Any) -> Retrieval:
    return retrieve(question, shipped.store.snapshot(), shipped.embedder, settings, **options)


def test_dense_mode_orders_by_similarity_alone(shipped: Parts) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(mode="dense"))
    similarities = [hit.cosine for hit in found.hits]
    assert similarities == sorted(similarities, reverse=True)
    assert found.hits[0].score == 1.0


def test_top_k_bounds_the_hits_and_the_argument_wins(shipped: Parts) -> None:
    assert len(run(shipped, "Ollama", RetrievalSettings(top_k=3)).hits) == 3
    assert len(run(shipped, "Ollama", RetrievalSettings(top_k=3), top_k=5).hits) == 5


def test_a_single_candidate_is_enough(shipped: Parts) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(candidates=1))
    assert "dify.ai" in found.hits[0].chunk.content
    assert math.isfinite(found.margin)


def test_a_condition_holds_for_both_legs(shipped: Parts) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(top_k=50), condition=Equals("kind", "list"))
    assert {hit.chunk.kind for hit in found.hits} == {"list"}
    assert len(found.hits) == 2


def test_a_condition_that_nothing_meets_leaves_no_hit(shipped: Parts) -> None:
    found = run(shipped, "Ollama", RetrievalSettings(), condition=Range("start_line", at_least=10_000))
    assert found.hits == ()
    assert found.margin == 0.0


def test_a_question_without_terms_is_still_searched_by_similarity(shipped: Parts) -> None:
    found = run(shipped, "🙂？！", RetrievalSettings())
    assert found.idf == {}
    assert found.hits
    assert all(math.isfinite(hit.score) for hit in found.hits)


def test_terms_with_the_syntax_of_the_store_are_only_words(shipped: Parts) -> None:
    for question in ('" or 1 == 1', "source == 'x'", "{}[]()*?~^", "a && b || !c", "\\", "%_%"):
        assert run(shipped, question, RetrievalSettings()).hits


def test_the_same_question_finds_the_same_twice(shipped: Parts) -> None:
    one, two = (run(shipped, "AIGC 开发平台有哪些？", RetrievalSettings(top_k=50)) for _ in range(2))
    assert one.hits == two.hits


def test_every_hit_is_a_passage_of_the_file_at_its_lines(shipped: Parts) -> None:
    root = shipped.settings.knowledge.path
    for hit in run(shipped, "向量数据库", RetrievalSettings(top_k=50)).hits:
        lines = (Path(root) / hit.chunk.source).read_text(encoding="utf-8").split("\n")
        cited = "\n".join(lines[hit.chunk.start_line - 1 : hit.chunk.end_line])
        assert hit.chunk.content.rstrip("| ")[-4:] in cited


def test_the_retrieval_tells_generation_embedder_terms_and_time(shipped: Parts) -> None:
    found = run(shipped, "什么是硅基流动？", RetrievalSettings())
    assert found.generation == 1
    assert found.embedder == "builtin/multilingual-e5-small"
    assert "硅基" in found.idf
    assert all(weight > 0 for weight in found.idf.values())
    assert set(found.seconds) == {"embed", "dense", "lexical", "fuse"}
    assert found.margin > 0
