"""The measures that the figures are made of, against values worked out by hand and by other means."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics import area_under_curve, ndcg, percentiles, recall, reciprocal_rank, refused_at

GAINS = {"a": 1, "b": 1}
scores = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=30)


def test_the_right_documents_first_are_worth_1_and_none_at_all_0() -> None:
    assert ndcg(["a", "b", "c"], GAINS) == ndcg(["b", "a"], GAINS) == 1.0
    assert ndcg(["c", "d"], GAINS) == ndcg([], GAINS) == 0.0


def test_a_document_further_down_is_worth_less() -> None:
    assert ndcg(["c", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    assert ndcg([*"cdefghijkl", "a"], {"a": 1}) == 0.0, "beyond the tenth"


def test_recall_and_reciprocal_rank() -> None:
    assert [recall(["c", "a", "b"], GAINS, k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]
    assert reciprocal_rank(["c", "a", "b"], GAINS) == 0.5
    assert reciprocal_rank(["c"], GAINS) == 0.0


@given(scores, scores)
def test_the_area_under_the_curve_is_the_chance_that_a_positive_scores_higher(
    positive: list[float], negative: list[float]
) -> None:
    pairs = [(one > other) + (one == other) / 2 for one in positive for other in negative]
    assert area_under_curve(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_the_share_refused_is_that_below_the_threshold_which_keeps_95_percent() -> None:
    positive = [float(number) for number in range(100)]  # 5.0 keeps ninety-five of them
    assert refused_at(positive, [4.0, 5.0, 6.0, 1.0]) == 0.5
    assert refused_at(positive, [200.0]) == 0.0


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([number / 1000 for number in range(1, 101)])["p50"] == pytest.approx(50.5)
    assert percentiles([0.25]) == {"p50": 250.0, "p95": 250.0, "p99": 250.0}
