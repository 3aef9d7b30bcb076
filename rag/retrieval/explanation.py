"""Explanation of a search: terms, ranks in both retrievers, weights, dropped candidates and why, timings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.knowledge_base_names import DEFAULT
from rag.retrieval.fusion import TRANSLATED_WEIGHT, WORD_WEIGHT, ScoredChunks
from rag.retrieval.search import Retrieval
from rag.types import Hit


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the question and its inverse document frequency."""

    term: str
    idf: float


# Not frozen: an answer makes 150 of them, and that would take three times as long.
@dataclass(slots=True)
class Candidate:
    """A chunk that a retriever found. Ranks count from 1; None if that retriever did not find it.

    `dropped` says why it is not a hit; None if it is one.
    """

    id: str
    source: str
    heading_path: tuple[str, ...]
    kind: str
    start_line: int
    end_line: int
    score: float
    cosine: float
    bm25: float
    coverage: float
    dense_rank: int | None
    lexical_rank: int | None
    dropped: str | None
    knowledge_base: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the hits of a question were found.

    `candidates` are in the order of fusion. `evidence` is the probability that the hits answer the question; it may be
    an estimate or a lower bound, if that was enough to decide.
    `lexical_weight` is the weight of the best match in words against the whole range of similarities.
    """

    terms: tuple[Term, ...]
    lexical_weight: float
    candidates: tuple[Candidate, ...]
    evidence: float
    milliseconds: Mapping[str, float]
    warnings: tuple[str, ...]


def explain_retrieval(found: Retrieval, evidence: float) -> Explanation:
    """Return a retrieval without the texts of its candidates, small enough to store and to send.

    `evidence` is its `answer_probability`.
    """
    results = found.results
    words = TRANSLATED_WEIGHT if results.translated else WORD_WEIGHT.of(results.lexical, found.idf)
    dense_rank, lexical_rank = _ranks(results.dense), _ranks(results.by_words)
    return Explanation(
        terms=tuple(Term(term, round(idf, 3)) for term, idf in found.idf.items()),
        lexical_weight=round(words / (1 - words), 3),
        candidates=tuple(
            Candidate(
                id=hit.chunk.id,
                source=hit.chunk.source,
                heading_path=hit.chunk.heading_path,
                kind=hit.chunk.kind,
                start_line=hit.chunk.start_line,
                end_line=hit.chunk.end_line,
                score=score,
                cosine=cosine,
                bm25=bm25,
                coverage=coverage,
                dense_rank=dense_rank.get(hit.chunk.id),
                lexical_rank=lexical_rank.get(hit.chunk.id),
                dropped=found.dropped.get(hit.chunk.id),
                knowledge_base=hit.chunk.knowledge_base,
            )
            for hit, score, cosine, bm25, coverage in zip(found.candidates, *_numbers(found.candidates), strict=True)
        ),
        evidence=round(evidence, 4),
        milliseconds={stage: round(seconds * 1000, 2) for stage, seconds in found.seconds.items()},
        warnings=found.warnings,
    )


def _numbers(hits: Sequence[Hit]) -> tuple[list[float], ...]:
    """Return the rounded scores, cosines, BM25 scores and coverages; `round` takes ten times as long for each."""
    columns = (
        ([hit.score for hit in hits], 6),
        ([hit.cosine for hit in hits], 6),
        ([hit.bm25 for hit in hits], 3),
        ([hit.coverage for hit in hits], 3),
    )
    return tuple(np.round(np.array(column, dtype=float), digits).tolist() for column, digits in columns)


def _ranks(results: ScoredChunks) -> dict[str, int]:
    return {stored.chunk.id: rank for rank, (stored, _) in enumerate(results, 1)}
