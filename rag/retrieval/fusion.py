"""Fusion of dense and lexical results into one list, by a sum of their scores that is weighted for each question.

Rank fusion ignores how good a match is. If the words of a question cannot match (a Chinese question, an English text),
it loses half of the dense retriever's quality. Here the scores themselves count, as a convex combination (Bruch, Gai
and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2022):

    score = (1 - w) · similarity + w · words

In another language w is a half, and the words are those that the chunk holds in translation: translated_words.py.

The similarity is the cosine, scaled over the candidates of the question, because no embedder uses the whole range from
-1 to 1. The words are the mean of BM25, as a share of the best candidate's, and of the share of the question's terms
that the chunk has. How much words count, w, follows from what the question brings: `word_evidence`. Nothing in it
depends on the scale of an embedder's similarities.
"""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from rag.store.rows import StoredChunk
from rag.types import Hit

_K1 = 1.2
"""Milvus' default. BM25 gives a term at most its idf times k1 + 1."""
_UNMATCHED = 0.02
"""Added to a share before its logarithm: below a fiftieth of the highest score, words say nothing."""

TRANSLATED_WEIGHT = 0.5

_LEAST_LIMIT = 3
"""Of fewer hits, none is given up for the best match of words."""

ScoredChunks = Sequence[tuple[StoredChunk, float]]
"""What one retriever found, best first: a chunk with its cosine or its BM25 score."""


@dataclass(frozen=True, slots=True)
class WordWeight:
    """The weight of the words (0..1): a logistic function of what the question brings (`word_evidence`)."""

    intercept: float
    matched: float
    terms: float
    rarest: float

    def of(self, lexical: ScoredChunks, idf: Mapping[str, float]) -> float:
        """Return the weight for a question whose terms have these inverse document frequencies; 0 without matches."""
        if not lexical:
            return 0.0
        best = bm25_share(max(score for _, score in lexical), idf)
        return self.of_evidence(word_evidence(best, len(idf), max(idf.values(), default=0.0)))

    def of_evidence(self, evidence: Sequence[float]) -> float:
        """Return the weight for the three numbers of `word_evidence`."""
        matched, terms, rarest = evidence
        log_odds = self.intercept + self.matched * matched + self.terms * terms + self.rarest * rarest
        return 1 / (1 + math.exp(-log_odds))


WORD_WEIGHT = WordWeight(intercept=-1.27, matched=0.67, terms=0.26, rarest=0.2)
"""Fitted by `python -m bench.fusion`, which also fits it without each set in turn: docs/decisions/own-fusion.md."""


def fuse(
    dense: ScoredChunks,
    lexical: ScoredChunks,
    idf: Mapping[str, float],
    *,
    translated: Mapping[str, float] | None = None,
    word_weight: WordWeight = WORD_WEIGHT,
) -> list[Hit]:
    """Return the union of both results as hits, best first; `idf` has the terms of the question.

    `translated` is given if the chunks are in another language than the question: how much of the question each holds
    in translation, by its id. It takes the place of the words.

    A chunk that only one retriever found gets the lowest score of the other: its own cannot be higher. Only if the
    lexical retriever found fewer chunks than the dense one, a chunk that it did not find has a BM25 of 0. Ties go to
    the document that sorts first.
    """
    chunks = {stored.chunk.id: stored for stored, _ in (*dense, *lexical)}
    cosines = {stored.chunk.id: cosine for stored, cosine in dense}
    scores = {stored.chunk.id: score for stored, score in lexical}
    lowest, highest = min(cosines.values(), default=0.0), max(cosines.values(), default=0.0)
    least, best = min(scores.values(), default=0.0), max(scores.values(), default=0.0) or 1.0
    missing = least if len(scores) >= len(cosines) else 0.0
    weight = TRANSLATED_WEIGHT if translated else word_weight.of(lexical, idf)
    hits = []
    for name, stored in chunks.items():
        cosine, words = cosines.get(name, lowest), scores.get(name, missing) / best
        similarity = (cosine - lowest) / (highest - lowest) if highest > lowest else 1.0
        if translated:
            coverage = words = translated[name]
        else:
            coverage = weighted_term_coverage(stored.terms.keys(), idf)
        score = (1 - weight) * similarity + weight * (words + coverage) / 2
        hits.append(Hit(stored.chunk, score, cosine, coverage, scores.get(name, 0.0)))
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.source, hit.chunk.position))


def keep_best_match(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """Return the hits with the best match of words among the first `limit`, in their last place if need be.

    A rare name that one chunk alone holds may count little beside similarity: "BGE 是哪家公司的", where the only row
    with BGE speaks of no company.
    """
    best = max(hits, key=lambda hit: hit.bm25, default=None)
    if best is None or not best.bm25 or limit < _LEAST_LIMIT or best in hits[:limit]:
        return list(hits)
    others = [hit for hit in hits if hit is not best]
    score = others[limit - 2].score  # below which it stands
    return [*others[: limit - 1], replace(best, score=score), *others[limit - 1 :]]


def word_evidence(best_share: float, terms: int, rarest: float) -> tuple[float, float, float]:
    """Return what says how much words count: how much of the question matches, how long it is, how rare its words are.

    `best_share` is the best BM25 as a share of the highest that the question could give: little, if most of its terms
    are in no chunk. `rarest` is the idf of its rarest term.
    """
    return math.log(best_share + _UNMATCHED), math.log(1 + terms), rarest


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
