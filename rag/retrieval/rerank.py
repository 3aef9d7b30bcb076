"""Hits in the order of a reranker or, if it fails, in the order in which they were found."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.errors import RerankerError
from rag.models.rerankers.protocol import Reranker
from rag.types import Hit

log = logging.getLogger("zhiwen.rerank")


@dataclass(frozen=True, slots=True)
class Reranked:
    """Hits, best first. `warning` says in one line why they are not reranked; empty if they are."""

    hits: tuple[Hit, ...]
    warning: str = ""


def rerank(question: str, hits: Sequence[Hit], reranker: Reranker, *, candidates: int) -> Reranked:
    """Return the first `candidates` hits in the order of the reranker's scores, then the others in their order.

    The scores of the others are scaled to be below those of the reranked hits. A RerankerError becomes the warning.
    """
    first, others = hits[:candidates], hits[candidates:]
    if not first:
        return Reranked(tuple(hits))
    try:
        scores = reranker.scores(question, [hit.chunk.searchable_text for hit in first])
    except RerankerError as error:
        warning = f"not reranked: {' '.join(str(error).split())}"
        log.warning("%s", warning)
        return Reranked(tuple(hits), warning)
    scored = [replace(hit, score=score) for hit, score in zip(first, scores, strict=True)]
    # Sorting is stable: hits with equal scores keep the order in which they were found.
    ordered = sorted(scored, key=lambda hit: -hit.score)
    lowest = ordered[-1].score
    return Reranked((*ordered, *(replace(hit, score=hit.score * lowest) for hit in others)))
