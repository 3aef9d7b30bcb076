"""BM25 as Milvus computes it, over a part of a collection: Milvus counts and measures the chunks of all of it."""

from collections.abc import Mapping, Sequence

_K1, _B = 1.2, 0.75
"""Milvus' defaults."""


def score_chunks(
    chunks: Mapping[str, Sequence[str]], idf: Mapping[str, float], mean_length: float
) -> list[tuple[str, float]]:
    """Return the ids of chunks with their scores, best first, given the terms of each with repetitions.

    `idf` has the terms that are looked for, `mean_length` is the mean number of terms of a chunk.

    >>> score_chunks({"long": ["tide", "turns", "twice", "tide"], "short": ["tide"]}, {"tide": 1.0}, 2.5)[0][0]
    'short'
    """
    scores = {name: _score(terms, idf, mean_length) for name, terms in chunks.items()}
    return sorted(scores.items(), key=lambda named: (-named[1], named[0]))


def _score(terms: Sequence[str], idf: Mapping[str, float], mean_length: float) -> float:
    norm = _K1 * (1 - _B + _B * len(terms) / mean_length)
    frequencies = {term: terms.count(term) for term in idf}
    return sum(idf[term] * count * (_K1 + 1) / (count + norm) for term, count in frequencies.items())
