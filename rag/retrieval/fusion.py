"""Both legs' candidates as one list, weighed by the evidence that each leg brings.

Rank fusion forgets how good a match is; where the words of a question cannot match (a Chinese question, an English
text) it throws half of the dense leg's quality away. Here both scores count: a convex combination with theoretical
normalisation (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2022). Similarities are
scaled over the candidates of the question, for no embedder uses the whole range from -1 to 1. BM25 is divided by the
highest score that the question could give, all its terms included, also those that no chunk holds: a leg that can
match little of the question says little, and says so by itself.
"""

from collections.abc import Mapping, Sequence, Set

from rag.store.rows import StoredChunk
from rag.types import Hit

LEXICAL_WEIGHT = 2.5
"""What the highest possible BM25 weighs against the whole span of similarities. From 1 to 3 no development set falls
more than .005 below its better leg; this is where they do best on the whole: bench/README.md, "Fusion"."""

_K1 = 1.2
"""Milvus' default: BM25 gives a term at most its idf times k1 + 1."""

ScoredChunks = Sequence[tuple[StoredChunk, float]]
"""What one leg found, best first: a chunk and its cosine, or its BM25 score."""


def fuse(
    dense: ScoredChunks, lexical: ScoredChunks, idf: Mapping[str, float], *, lexical_weight: float = LEXICAL_WEIGHT
) -> list[Hit]:
    """The union of both legs as hits, best first, for a question whose terms `idf` has.

    What a leg did not bring is, for that leg, no better than the last that it did. Ties go to the document that sorts
    first.
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
    """A BM25 score as a share (0..1) of the highest that a question with these terms could give."""
    highest = (_K1 + 1) * sum(idf.values())
    return min(score / highest, 1.0) if highest else 0.0


def weighted_term_coverage(held: Set[str], idf: Mapping[str, float]) -> float:
    """The share (0..1) of a question's idf mass whose terms are held; 0 for a question without terms."""
    mass = sum(idf.values())
    return sum(weight for term, weight in idf.items() if term in held) / mass if mass else 0.0
