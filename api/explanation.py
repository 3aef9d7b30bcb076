"""How a search came about, for the wire and for the terminal: terms, both legs, weights, what was dropped, timings."""

from pydantic import BaseModel, Field

from rag.fusion import LEXICAL_WEIGHT
from rag.retrieval import Retrieval
from rag.sufficiency import probability


class TermOut(BaseModel):
    term: str
    idf: float


class CandidateOut(BaseModel):
    """A chunk that a leg brought. The ranks count from 1; null where that leg did not bring it."""

    id: str
    source: str
    heading_path: list[str]
    kind: str
    start_line: int
    end_line: int
    score: float
    cosine: float
    bm25: float
    coverage: float
    dense_rank: int | None
    lexical_rank: int | None
    dropped: str | None = Field(description="Why it is no hit; null if it is one.")


class Explanation(BaseModel):
    """`candidates` in the order of fusion; `evidence` is the probability that the hits answer the question."""

    terms: list[TermOut]
    lexical_weight: float = Field(description="What the highest possible BM25 weighs against the span of similarities.")
    candidates: list[CandidateOut]
    evidence: float
    milliseconds: dict[str, float]
    warnings: list[str]

    @classmethod
    def of(cls, found: Retrieval) -> "Explanation":
        dense_rank, lexical_rank = (
            {stored.chunk.id: rank for rank, (stored, _) in enumerate(leg, 1)}
            for leg in (found.legs.dense, found.legs.lexical)
        )
        return cls(
            terms=[TermOut(term=term, idf=round(idf, 3)) for term, idf in found.idf.items()],
            lexical_weight=LEXICAL_WEIGHT if found.legs.lexical else 0.0,
            candidates=[
                CandidateOut(
                    id=hit.chunk.id,
                    source=hit.chunk.source,
                    heading_path=list(hit.chunk.heading_path),
                    kind=hit.chunk.kind,
                    start_line=hit.chunk.start_line,
                    end_line=hit.chunk.end_line,
                    score=round(hit.score, 6),
                    cosine=round(hit.cosine, 6),
                    bm25=round(hit.bm25, 3),
                    coverage=round(hit.coverage, 3),
                    dense_rank=dense_rank.get(hit.chunk.id),
                    lexical_rank=lexical_rank.get(hit.chunk.id),
                    dropped=found.dropped.get(hit.chunk.id),
                )
                for hit in found.candidates
            ],
            evidence=round(probability(found), 4),
            milliseconds={stage: round(seconds * 1000, 2) for stage, seconds in found.seconds.items()},
            warnings=list(found.warnings),
        )
