"""The metrics agree with values worked out by hand and with slower definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics import area_under_curve, ndcg, percentiles, recall, reciprocal_rank, refused_at

GAINS = {"a": 1, "b": 1}
scores = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=30)


def test_ndcg_is_1_if_the_relevant_documents_come_first_and_0_if_none_is_found() -> None:
    assert ndcg(["a", "b", "c"], GAINS) == ndcg(["b", "a"], GAINS) == 1.0
    assert ndcg(["c", "d"], GAINS) == ndcg([], GAINS) == 0.0


def test_ndcg_discounts_a_document_by_its_rank() -> None:
    assert ndcg(["c", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    assert ndcg([*"cdefghijkl", "a"], {"a": 1}) == 0.0, "beyond the tenth"


def test_recall_and_reciprocal_rank_match_values_worked_out_by_hand() -> None:
    assert [recall(["c", "a", "b"], GAINS, k) for k in (1, 2, 3)] == [0.0, 0.5, 1.0]
    assert reciprocal_rank(["c", "a", "b"], GAINS) == 0.5
    assert reciprocal_rank(["c"], GAINS) == 0.0


@given(scores, scores)
def test_the_area_under_the_curve_is_the_probability_that_a_positive_scores_higher(
    positive: list[float], negative: list[float]
) -> None:
    pairs = [(one > other) + (one == other) / 2 for one in positive for other in negative]
    assert area_under_curve(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_the_refused_share_is_below_the_threshold_that_keeps_95_percent() -> None:
    positive = [float(number) for number in range(100)]  # a threshold of 5.0 keeps 95 of them
    assert refused_at(positive, [4.0, 5.0, 6.0, 1.0]) == 0.5
    assert refused_at(positive, [200.0]) == 0.0


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([number / 1000 for number in range(1, 101)])["p50"] == pytest.approx(50.5)
    assert percentiles([0.25]) == {"p50": 250.0, "p95": 250.0, "p99": 250.0}
