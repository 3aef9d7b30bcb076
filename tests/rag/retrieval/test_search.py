"""Both retrievers search, and what they find becomes hits."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.errors import RerankerError
from rag.retrieval.explanation import explain_retrieval
from rag.retrieval.search import Retrieval, retrieve
from rag.settings import RetrievalSettings
from rag.store.filters import Equals, Range
from rag.wiring import Services


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
def test_the_right_passage_of_the_shipped_knowledge_is_among_the_first_three(
    shipped: Services, question: str, words: str
) -> None:
    assert any(words in hit.chunk.content for hit in shipped.searcher.search(question).hits[:3])


@pytest.mark.parametrize("identifier", ["text-embedding-ada-002", "ollama-webui", "Med-PaLM 2", "node.js", "DALL-E"])
def test_an_identifier_finds_where_it_stands(shipped: Services, identifier: str) -> None:
    for question in (identifier, f"{identifier} 是什么？", f"What is {identifier}?"):
        assert identifier in shipped.searcher.search(question).hits[0].chunk.content


def test_an_identifier_that_nobody_wrote_covers_nothing_whole(shipped: Services) -> None:
    hits = shipped.searcher.search("tidb_mem_quota_query").hits
    assert hits
    assert all(hit.coverage < 0.5 for hit in hits)


def test_full_width_letters_and_capitals_find_the_same(shipped: Services) -> None:
    plain = shipped.searcher.search("milvus").hits[0].chunk.id
    assert shipped.searcher.search("ＭＩＬＶＵＳ").hits[0].chunk.id == plain


def run(shipped: Services, question: str, settings: RetrievalSettings, **options: Any) -> Retrieval:
    return retrieve(question, shipped.store.snapshot(), shipped.embedder, settings, **options)


def test_dense_mode_orders_by_similarity_alone(shipped: Services) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(mode="dense"))
    similarities = [hit.cosine for hit in found.hits]
    assert similarities == sorted(similarities, reverse=True)
    assert found.hits[0].score == 1.0


def test_top_k_bounds_the_hits_and_the_argument_wins(shipped: Services) -> None:
    assert len(run(shipped, "Ollama", RetrievalSettings(top_k=3)).hits) == 3
    assert len(run(shipped, "Ollama", RetrievalSettings(top_k=3), top_k=5).hits) == 5


def test_a_single_candidate_is_enough(shipped: Services) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(candidates=1))
    assert "dify.ai" in found.hits[0].chunk.content
    assert math.isfinite(found.hits[0].score)


def test_a_filter_holds_for_both_retrievers(shipped: Services) -> None:
    found = run(shipped, "Dify 的官网是什么？", RetrievalSettings(top_k=50), search_filter=Equals("kind", "list"))
    assert {hit.chunk.kind for hit in found.hits} == {"list"}
    assert len(found.hits) == 2


def test_a_filter_that_nothing_meets_leaves_no_hit(shipped: Services) -> None:
    found = run(shipped, "Ollama", RetrievalSettings(), search_filter=Range("start_line", at_least=10_000))
    assert found.hits == found.candidates == ()


def test_a_question_without_terms_is_still_searched_by_similarity(shipped: Services) -> None:
    found = run(shipped, "🙂？！", RetrievalSettings())
    assert found.idf == {}
    assert found.hits
    assert all(math.isfinite(hit.score) for hit in found.hits)


def test_terms_with_the_syntax_of_the_store_are_only_words(shipped: Services) -> None:
    for question in ('" or 1 == 1', "source == 'x'", "{}[]()*?~^", "a && b || !c", "\\", "%_%"):
        assert run(shipped, question, RetrievalSettings()).hits


def test_the_same_question_finds_the_same_twice(shipped: Services) -> None:
    one, two = (run(shipped, "AIGC 开发平台有哪些？", RetrievalSettings(top_k=50)) for _ in range(2))
    assert one.hits == two.hits


def test_every_hit_is_a_passage_of_the_file_at_its_lines(shipped: Services) -> None:
    root = shipped.settings.knowledge.path
    for hit in run(shipped, "向量数据库", RetrievalSettings(top_k=50)).hits:
        lines = (Path(root) / hit.chunk.source).read_text(encoding="utf-8").split("\n")
        cited = "\n".join(lines[hit.chunk.start_line - 1 : hit.chunk.end_line])
        assert hit.chunk.content.rstrip("| ")[-4:] in cited


def test_the_retrieval_tells_how_it_came_about(shipped: Services) -> None:
    found = run(shipped, "什么是硅基流动？", RetrievalSettings())
    assert found.generation == 1
    assert found.embedder == shipped.embedder.fingerprint
    assert "硅基" in found.idf
    assert all(weight > 0 for weight in found.idf.values())
    assert set(found.seconds) == {"embed", "dense", "lexical", "read", "fuse"}
    assert len(found.results.dense) > len(found.results.lexical)
    assert found.results.lexical[0][1] >= found.results.lexical[-1][1] > 0


def test_a_question_in_the_other_language_finds_its_words_in_translation(shipped: Services) -> None:
    found = run(shipped, "What container clouds are there?", RetrievalSettings())
    assert "容器云" in found.hits[0].chunk.content
    assert found.hits[0].coverage == found.results.translated[found.hits[0].chunk.id] > 0.5
    assert found.hits[0].chunk.id in {stored.chunk.id for stored, _ in found.results.by_words}
    assert "translate" in found.seconds
    assert explain_retrieval(found, 1.0).lexical_weight == 1, "a half for the words, a half for the similarity"


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ("有哪些容器云？", RetrievalSettings()),
        ("What container clouds are there?", RetrievalSettings(mode="dense")),
    ],
)
def test_nothing_is_translated_in_the_same_language_or_without_words(
    shipped: Services, question: str, settings: RetrievalSettings
) -> None:
    found = run(shipped, question, settings)
    assert not found.results.translated
    assert found.results.by_words == found.results.lexical


def test_every_candidate_is_a_hit_or_was_dropped_for_a_reason(shipped: Services) -> None:
    found = run(shipped, "向量数据库有哪些知名组件？", RetrievalSettings())
    hits, candidates = ({hit.chunk.id for hit in some} for some in (found.hits, found.candidates))
    brought = {stored.chunk.id for results in (found.results.dense, found.results.lexical) for stored, _ in results}
    assert candidates == brought
    assert hits | found.dropped.keys() == candidates
    assert not hits & found.dropped.keys()
    assert {reason.split()[0] for reason in found.dropped.values()} == {"beyond", "the"}


def test_a_row_and_the_table_it_stands_in_are_one_hit(shipped: Services) -> None:
    found = run(shipped, "向量数据库有哪些知名组件？", RetrievalSettings(top_k=50))
    rows = {(hit.chunk.source, hit.chunk.start_line) for hit in found.hits if hit.chunk.kind == "row"}
    for table in (hit.chunk for hit in found.hits if hit.chunk.kind == "table"):
        assert not rows & {(table.source, line) for line in range(table.start_line, table.end_line + 1)}


class Backwards:
    """Likes best what was found last."""

    name = "backwards"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        return [(number + 1) / len(texts) for number in range(len(texts))]


class Broken:
    name = "broken"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        raise RerankerError("the endpoint is on fire")


def test_a_reranker_orders_the_best_anew_before_top_k_is_cut(shipped: Services) -> None:
    plain = run(shipped, "Ollama", RetrievalSettings(top_k=50))
    found = run(shipped, "Ollama", RetrievalSettings(top_k=3), reranker=Backwards(), rerank_candidates=5)
    assert [hit.chunk.id for hit in found.hits] == [hit.chunk.id for hit in reversed(plain.hits[2:5])]
    assert "rerank" in found.seconds
    assert found.warnings == ()


def test_a_reranker_that_fails_leaves_the_order_and_a_warning(shipped: Services) -> None:
    plain = run(shipped, "Ollama", RetrievalSettings())
    found = run(shipped, "Ollama", RetrievalSettings(), reranker=Broken())
    assert found.hits == plain.hits
    assert found.warnings == ("not reranked: the endpoint is on fire",)
