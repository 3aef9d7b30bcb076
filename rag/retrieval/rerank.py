"""Hits in the order of a reranker, or, where it fails, in the order in which they were found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.errors import RerankerError
from rag.models.rerankers.protocol import Reranker
from rag.types import Hit


@dataclass(frozen=True, slots=True)
class Reranked:
    """`warning` is one line that says why the hits are not reranked, or empty."""

    hits: tuple[Hit, ...]
    warning: str = ""


def rerank(question: str, hits: Sequence[Hit], reranker: Reranker, *, candidates: int) -> Reranked:
    """The first `candidates` hits by the reranker's scores, best first, and behind them the others as they stood.

    Scores go on falling: those of the others are scaled to lie below the last that was reranked. Never raises for a
    failure of the reranker.
    """
    first, others = hits[:candidates], hits[candidates:]
    if not first:
        return Reranked(tuple(hits))
    try:
        scores = reranker.scores(question, [hit.chunk.searchable_text for hit in first])
    except RerankerError as error:
        return Reranked(tuple(hits), f"not reranked: {' '.join(str(error).split())}")
    scored = [replace(hit, score=score) for hit, score in zip(first, scores, strict=True)]
    # Sorting is stable: equal scores leave the order in which the hits were found.
    ordered = sorted(scored, key=lambda hit: -hit.score)
    lowest = ordered[-1].score
    return Reranked((*ordered, *(replace(hit, score=hit.score * lowest) for hit in others)))
