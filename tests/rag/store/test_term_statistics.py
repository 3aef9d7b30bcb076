import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.store.term_statistics import TermChanges, TermStatistics, compact_statistics, sum_statistics

Texts = list[list[str]]

words = st.lists(st.sampled_from("alpha beta gamma 向量 数据 a-b c_d 1.2 é 😀".split()), min_size=1, max_size=6)
corpora = st.lists(words, max_size=12)


def counted(texts: Texts) -> TermStatistics:
    changes = TermChanges()
    for text in texts:
        changes.add(text)
    return sum_statistics(changes.payloads())


@given(st.lists(st.tuples(corpora, st.randoms(use_true_random=False)), min_size=1, max_size=5))
def test_differences_add_up_to_counting_afresh(generations: list[tuple[Texts, object]]) -> None:
    """Each generation replaces some chunks by others; all payloads together say what the last one holds."""
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


def test_nothing_is_no_payload_and_no_payload_is_nothing() -> None:
    assert TermChanges().payloads() == []
    assert sum_statistics([]) == TermStatistics(0, {})
    assert compact_statistics(sum_statistics([])) == []


def test_a_chunk_that_is_only_exchanged_leaves_the_number_of_chunks() -> None:
    changes = TermChanges()
    changes.remove(["a", "b"])
    changes.add(["b", "c"])
    before = counted([["a", "b"], ["b"]])
    after = sum_statistics([*compact_statistics(before), *changes.payloads()])
    assert after == counted([["b", "c"], ["b"]])


def test_a_term_counts_once_for_each_chunk() -> None:
    assert counted([["a", "a", "a"], ["b"]]) == counted([["a"], ["b"]])


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
