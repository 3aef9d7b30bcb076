"""BM25 as Milvus computes it: over a part of a collection, of which Milvus counts and measures all, and in memory."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.store.term_statistics import TermStatistics, inverse_frequency

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


class TermIndex:
    """The terms of chunks, by which all of them are scored at once.

    `counts` says how often each chunk has each of its terms; there must be a chunk.
    """

    def __init__(self, counts: Sequence[Counter[str]]) -> None:
        self._chunks = len(counts)
        self._numbers: dict[str, int] = {}
        of_terms, of_chunks, times = array("i"), array("i"), array("i")
        for chunk, terms in enumerate(counts):
            of_terms.extend(self._numbers.setdefault(term, len(self._numbers)) for term in terms)
            of_chunks.extend([chunk] * len(terms))
            times.extend(terms.values())
        by_term = np.argsort(np.asarray(of_terms), kind="stable")
        self._ends = np.cumsum(np.bincount(np.asarray(of_terms), minlength=len(self._numbers)))
        self._found = np.asarray(of_chunks)[by_term]
        lengths = np.array([terms.total() for terms in counts], dtype=np.float32)
        norms = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1))
        often = np.asarray(times, dtype=np.float32)[by_term]
        self._worths = often * (_K1 + 1) / (often + norms[self._found])

    def scores(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """Return the score of each chunk for some terms, in the order of the chunks; 0 if it has none of them."""
        scores = np.zeros(self._chunks, dtype=np.float32)
        for number in (self._numbers[term] for term in dict.fromkeys(terms) if term in self._numbers):
            start, end = int(self._ends[number - 1]) if number else 0, int(self._ends[number])
            idf = inverse_frequency(self._chunks, end - start)
            scores[self._found[start:end]] += np.float32(idf) * self._worths[start:end]
        return scores
