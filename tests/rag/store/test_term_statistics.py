"""Term statistics are sums of differences, and each generation has its own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.store.records import Commit
from rag.store.term_statistics import (
    TermChanges,
    TermStatistics,
    TermStatisticsCache,
    compact_statistics,
    sum_statistics,
)

Texts = list[list[str]]

words = st.lists(st.sampled_from("alpha beta gamma 向量 数据 a-b c_d 1.2 é 😀".split()), min_size=1, max_size=6)
corpora = st.lists(words, max_size=12)


def counted(texts: Texts) -> TermStatistics:
    changes = TermChanges()
    for text in texts:
        changes.add(text)
    return sum_statistics(changes.payloads())


@given(st.lists(st.tuples(corpora, st.randoms(use_true_random=False)), min_size=1, max_size=5))
def test_the_sum_of_differences_equals_a_new_count(generations: list[tuple[Texts, object]]) -> None:
    """Each generation replaces some chunks by others; the sum of all payloads is what the last one holds."""
    standing: Texts = []
    payloads: list[dict[str, object]] = []
    for added, randomness in generations:
        changes = TermChanges()
        removed = [text for text in standing if randomness.random() < 0.5]  # type: ignore[attr-defined]
        for text in removed:
            changes.remove(text)
            standing.remove(text)
        for text in added:
            changes.add(text)
        standing.extend(added)
        payloads.extend(changes.payloads())
    assert sum_statistics(payloads) == counted(standing)
    assert sum_statistics(compact_statistics(sum_statistics(payloads))) == counted(standing)


@given(corpora)
def test_adding_and_removing_the_same_is_no_change(texts: Texts) -> None:
    changes = TermChanges()
    for text in texts:
        changes.add(text)
    for text in reversed(texts):
        changes.remove(text)
    assert changes.payloads() == []


def test_without_changes_there_is_no_payload_and_without_payloads_no_chunk() -> None:
    assert TermChanges().payloads() == []
    assert sum_statistics([]) == TermStatistics(0, {})
    assert compact_statistics(sum_statistics([])) == []


def test_replacing_a_chunk_keeps_the_number_of_chunks() -> None:
    changes = TermChanges()
    changes.remove(["a", "b"])
    changes.add(["b", "c"])
    before = counted([["a", "b"], ["b"]])
    after = sum_statistics([*compact_statistics(before), *changes.payloads()])
    assert after == counted([["b", "c"], ["b"]])


def test_a_term_counts_once_for_each_chunk() -> None:
    repeated = counted([["a", "a", "a"], ["b"]])
    assert repeated.frequencies == counted([["a"], ["b"]]).frequencies
    assert repeated.length == 4
    assert repeated.mean_length == 2


def test_the_rarer_a_term_the_higher_its_idf() -> None:
    statistics = counted([["common", "rare", "middle"], ["common", "middle"], ["common"], ["common"]])
    assert 0 < statistics.idf("common") < statistics.idf("middle") < statistics.idf("rare") < statistics.idf("unknown")


def test_idf_is_lucene_s() -> None:
    statistics = counted([["x"]] * 3 + [["y"]] * 7)
    assert statistics.idf("x") == pytest.approx(math.log(1 + (10 - 3 + 0.5) / (3 + 0.5)))
    assert statistics.idf("z") == pytest.approx(math.log(1 + 10.5 / 0.5))


def test_idf_of_an_empty_corpus_is_a_number() -> None:
    assert TermStatistics(0, {}).idf("x") > 0


def test_payloads_stay_small_with_20000_terms() -> None:
    """A JSON field of Milvus holds 65,536 bytes."""
    changes = TermChanges()
    for chunk in range(2000):
        changes.add(f"term{number}" for number in range(chunk * 10, chunk * 10 + 15))
    payloads = changes.payloads()
    assert len(payloads) > 1
    assert max(len(str(payload["terms"])) for payload in payloads) < 60_000
    whole = sum_statistics(payloads)
    assert whole.chunks == 2000
    assert len(whole.frequencies) > 19_900
    assert sum_statistics(compact_statistics(whole)) == whole
    assert max(len(str(payload["terms"])) for payload in compact_statistics(whole)) < 60_000


def test_payloads_do_not_depend_on_the_order_of_adding() -> None:
    one, other = TermChanges(), TermChanges()
    for text in (["a", "b"], ["c"]):
        one.add(text)
    for text in (["c"], ["b", "a"]):
        other.add(text)
    assert one.payloads() == other.payloads()


def commit(generation: int, namespace: str = "a") -> Commit:
    return Commit(generation, namespace, "e", "f", 1, 1, "hybrid", "2024-01-01T00:00:00+00:00", "/docs", 1, 1)


def test_the_statistics_of_the_two_generations_asked_for_last_are_kept() -> None:
    loaded: list[tuple[str, int]] = []

    def load(commit: Commit) -> TermStatistics:
        loaded.append((commit.namespace, commit.generation))
        return TermStatistics(commit.generation, {})

    cache = TermStatisticsCache(load)
    for generation in (1, 2, 1, 2, 1):
        assert cache.of(commit(generation)).chunks == generation
    assert loaded == [("a", 1), ("a", 2)]
    cache.of(commit(1, namespace="b"))
    cache.of(commit(2))
    assert loaded == [("a", 1), ("a", 2), ("b", 1), ("a", 2)]
    cache.of(commit(1, namespace="b"))
    assert len(loaded) == 4
