"""BM25 as Milvus computes it, over a part of a collection: Milvus counts and measures the chunks of all of it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rag.store.term_statistics import TermStatistics

_K1, _B = 1.2, 0.75
"""Milvus' defaults."""


def score_chunks(
    chunks: Mapping[str, Counter[str]], terms: Sequence[str], statistics: TermStatistics
) -> list[tuple[str, float]]:
    """Return the ids of chunks with their scores for `terms`, best first, given how often each holds its terms.

    `statistics` are those of the part. Its length must be known.

    >>> chunks = {"long": Counter("tide turns twice tide".split()), "short": Counter(["tide"])}
    >>> score_chunks(chunks, ["tide"], TermStatistics(2, {}, length=5))[0][0]
    'short'
    """
    idf = {term: statistics.idf(term) for term in terms}
    scores = {name: _score(counts, idf, statistics.mean_length) for name, counts in chunks.items()}
    return sorted(scores.items(), key=lambda named: (-named[1], named[0]))


def _score(counts: Counter[str], idf: Mapping[str, float], mean_length: float) -> float:
    norm = _K1 * (1 - _B + _B * counts.total() / mean_length)
    return sum(worth * counts[term] * (_K1 + 1) / (counts[term] + norm) for term, worth in idf.items())
