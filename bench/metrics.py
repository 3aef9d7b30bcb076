"""Measures of rankings, refusals and times. Pure functions."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, quantiles


def ndcg(ranked: Sequence[str], gains: Mapping[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `k` documents, from 0 to 1.

    Järvelin and Kekäläinen 2002, with linear gain. In the ideal ranking every relevant
    document has a gain of 1.
    """
    found = sum(gains.get(document, 0) / math.log2(rank + 2) for rank, document in enumerate(ranked[:k]))
    return found / sum(1 / math.log2(rank + 2) for rank in range(min(k, len(gains))))


def recall(ranked: Sequence[str], gains: Mapping[str, int], k: int) -> float:
    """The share of the relevant documents that are among the first `k`."""
    return len(set(ranked[:k]) & set(gains)) / len(gains)


def reciprocal_rank(ranked: Sequence[str], gains: Mapping[str, int], k: int = 10) -> float:
    """1 divided by the rank of the first relevant document; 0 if the first `k` have none."""
    return next((1 / rank for rank, document in enumerate(ranked[:k], 1) if document in gains), 0.0)


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The area under the ROC curve: the probability that a positive scores above a negative. A tie counts half."""
    ordered = sorted([(score, 1) for score in positive] + [(score, 0) for score in negative])
    below, wins, start = 0, 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        positives = sum(label for _, label in ordered[start:end])
        negatives = end - start - positives
        wins += positives * (below + negatives / 2)
        below += negatives
        start = end
    return wins / (len(positive) * len(negative))


def refused_at(positive: Sequence[float], negative: Sequence[float], kept: float = 0.95) -> float:
    """The share of `negative` that is refused by the threshold that keeps the share `kept` of `positive`."""
    threshold = sorted(positive)[math.floor(len(positive) * (1 - kept))]
    return mean(score < threshold for score in negative)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile, in milliseconds: `{"p50": …, "p95": …, "p99": …}`."""
    cuts = quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    return {f"p{rank}": round(cuts[rank - 1] * 1000, 1) for rank in (50, 95, 99)}
