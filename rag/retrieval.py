"""Question → hits: both legs searched, their candidates fused by the evidence they bring.

Rank fusion forgets how good a match is; where the words of a question cannot match (a Chinese question, an English
text) it throws half of the dense leg's quality away. Here a candidate's score is its similarity, scaled over the dense
leg's candidates, plus the share of the question's idf mass that it holds. Terms that no chunk holds count as much as
the rarest ones, so a leg that cannot match says little, and says it to all candidates alike.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rag.config import RetrievalSettings
from rag.embedders import Embedder
from rag.errors import EmbedderMismatch
from rag.filters import Filter
from rag.rows import StoredChunk
from rag.store import Snapshot
from rag.terms import question_terms
from rag.vocabulary import Hit

COVERAGE_WEIGHT = 0.6
"""How much a full lexical match counts against the whole span of similarities. Of 0.3 to 1.0, the largest with which
no development set in either language or across them falls below its better leg."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The hits, best first, and what they were found by.

    `idf` has the question's terms. `margin` is how far the best hit's cosine lies above the mean of the ten next in the
    dense leg. `seconds` are by stage.
    """

    question: str
    generation: int
    embedder: str
    hits: tuple[Hit, ...]
    margin: float
    idf: Mapping[str, float]
    seconds: Mapping[str, float]


def retrieve(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    *,
    top_k: int | None = None,
    condition: Filter | None = None,
) -> Retrieval:
    """Find the chunks of one generation that answer a question.

    Raises StoreError and EmbedderError; EmbedderMismatch if the generation's vectors are another embedder's.
    """
    if snapshot.commit.fingerprint != embedder.fingerprint:
        raise EmbedderMismatch(
            f"the live index was made with {snapshot.commit.embedder}, questions are embedded with {embedder.name}; "
            "run `zhiwen ingest` to build it anew, or go back to the old settings"
        )
    # An index built in dense mode has no lexical leg to search.
    is_hybrid = settings.mode == snapshot.commit.mode == "hybrid"
    clock = time.perf_counter()
    vector = embedder.embed_query(question)
    embedded = time.perf_counter()
    dense = snapshot.search_vectors(vector, limit=settings.candidates, condition=condition)
    searched_dense = time.perf_counter()
    terms = question_terms(question)
    lexical = snapshot.search_terms(terms, limit=settings.candidates, condition=condition) if is_hybrid else []
    searched_lexical = time.perf_counter()
    idf = {term: snapshot.statistics.idf(term) for term in terms}
    weight = COVERAGE_WEIGHT if is_hybrid else 0.0
    hits = fuse(dense, [chunk for chunk, _ in lexical], idf, weight)
    return Retrieval(
        question=question,
        generation=snapshot.generation,
        embedder=snapshot.commit.embedder,
        hits=tuple(hits[: top_k or settings.top_k]),
        margin=_margin(hits, [cosine for _, cosine in dense]),
        idf=idf,
        seconds={
            "embed": embedded - clock,
            "dense": searched_dense - embedded,
            "lexical": searched_lexical - searched_dense,
            "fuse": time.perf_counter() - searched_lexical,
        },
    )


def fuse(
    dense: list[tuple[StoredChunk, float]],
    lexical: list[StoredChunk],
    idf: Mapping[str, float],
    coverage_weight: float,
) -> list[Hit]:
    """The union of both legs' candidates as hits, best first; ties go to the document that sorts first.

    A candidate that only the lexical leg brings is at best as similar as the dense leg's last.
    """
    lowest = min((cosine for _, cosine in dense), default=0.0)
    span = max((cosine for _, cosine in dense), default=0.0) - lowest
    candidates = {stored.chunk.id: (stored, cosine) for stored, cosine in dense}
    for stored in lexical:
        candidates.setdefault(stored.chunk.id, (stored, lowest))
    mass = sum(idf.values())
    hits = []
    for stored, cosine in candidates.values():
        covered = sum(weight for term, weight in idf.items() if term in stored.terms)
        coverage = covered / mass if mass else 0.0
        similarity = (cosine - lowest) / span if span else 1.0
        score = (similarity + coverage_weight * coverage) / (1 + coverage_weight)
        hits.append(Hit(stored.chunk, score, cosine, coverage))
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.source, hit.chunk.position))


def _margin(hits: list[Hit], cosines: list[float]) -> float:
    if len(cosines) < 2:
        return 0.0
    best = hits[0].cosine
    others = sorted(cosines, reverse=True)
    if best in others:
        others.remove(best)
    nearest = others[:10]
    return best - sum(nearest) / len(nearest)
