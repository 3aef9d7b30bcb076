"""Fusion of dense and lexical results into one list, by a weighted sum of their scores.

Rank fusion ignores how good a match is. If the words of a question cannot match (a Chinese question, an English text),
it loses half of the dense retriever's quality. Here the scores themselves count: a convex combination with theoretical
normalisation (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2022). Similarities are
scaled over the candidates of the question, because no embedder uses the whole range from -1 to 1. BM25 is divided by
the highest score that the question could give. That counts all terms of the question, also those that are in no chunk,
so lexical results that match little of the question weigh little.
"""

from collections.abc import Mapping, Sequence, Set

from rag.store.rows import StoredChunk
from rag.types import Hit

LEXICAL_WEIGHT = 2.5
"""The weight of the highest possible BM25 score against the whole range of similarities. With 1 to 3, no development
set is more than .005 below its better retriever; this value is the best on the whole: bench/README.md, "Fusion"."""

_K1 = 1.2
"""Milvus' default. BM25 gives a term at most its idf times k1 + 1."""

ScoredChunks = Sequence[tuple[StoredChunk, float]]
"""What one retriever found, best first: a chunk with its cosine or its BM25 score."""


def fuse(
    dense: ScoredChunks, lexical: ScoredChunks, idf: Mapping[str, float], *, lexical_weight: float = LEXICAL_WEIGHT
) -> list[Hit]:
    """Return the union of both results as hits, best first; `idf` has the terms of the question.

    A chunk that only one retriever found gets the lowest cosine of the dense results, or a BM25 of 0. Ties go to the
    document that sorts first.
    """
    chunks = {stored.chunk.id: stored for stored, _ in (*dense, *lexical)}
    cosines = {stored.chunk.id: cosine for stored, cosine in dense}
    scores = {stored.chunk.id: score for stored, score in lexical}
    lowest, highest = min(cosines.values(), default=0.0), max(cosines.values(), default=0.0)
    weight = lexical_weight if scores else 0.0
    hits = []
    for name, stored in chunks.items():
        cosine, bm25 = cosines.get(name, lowest), scores.get(name, 0.0)
        similarity = (cosine - lowest) / (highest - lowest) if highest > lowest else 1.0
        score = (similarity + weight * bm25_share(bm25, idf)) / (1 + weight)
        hits.append(Hit(stored.chunk, score, cosine, weighted_term_coverage(stored.terms, idf), bm25))
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.source, hit.chunk.position))


def bm25_share(score: float, idf: Mapping[str, float]) -> float:
    """Return a BM25 score as a share (0..1) of the highest one that a question with these terms could give."""
    highest = (_K1 + 1) * sum(idf.values())
    return min(score / highest, 1.0) if highest else 0.0


def weighted_term_coverage(terms: Set[str], idf: Mapping[str, float]) -> float:
    """Return the share (0..1) of a question's terms that are in `terms`, weighted by `idf`; 0 without any term.

    >>> weighted_term_coverage({"milvus", "cluster"}, {"milvus": 3.0, "version": 1.0})
    0.75
    """
    mass = sum(idf.values())
    return sum([weight for term, weight in idf.items() if term in terms]) / mass if mass else 0.0
