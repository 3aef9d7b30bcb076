"""Hits → evidence: the numbered passages that an answer may rest on, and how likely it is that they answer at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.question import Language, language_of
from rag.retrieval import Retrieval
from rag.sufficiency import probability
from rag.vocabulary import Chunk, Hit, Passage


@dataclass(frozen=True, slots=True)
class Evidence:
    """`probability` (0..1) that the passages hold the answer; `idf` weighs the question's terms."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    idf: Mapping[str, float]
    probability: float


def gather_evidence(retrieval: Retrieval, *, max_passages: int) -> Evidence:
    """Number the passages worth showing, best first, each text once."""
    kept: list[Hit] = []
    for hit in retrieval.hits:
        if len(kept) < max_passages and not any(_same_text(hit.chunk, other.chunk) for other in kept):
            kept.append(hit)
    return Evidence(
        question=retrieval.question,
        language=language_of(retrieval.question),
        passages=tuple(Passage(number, hit) for number, hit in enumerate(kept, 1)),
        idf=retrieval.idf,
        probability=probability(
            retrieval.question, retrieval.hits, margin=retrieval.margin, embedder=retrieval.embedder
        ),
    )


def nearest_headings(hits: Sequence[Hit], limit: int = 3) -> list[str]:
    """Where the reader might look instead: the distinct contexts of the best hits."""
    return list(dict.fromkeys(hit.chunk.context for hit in hits if hit.chunk.context))[:limit]


def _same_text(one: Chunk, other: Chunk) -> bool:
    """A row and the part of its table that it stands in."""
    if one.group != other.group or {one.kind, other.kind} != {"row", "table"}:
        return False
    row, table = (one, other) if one.kind == "row" else (other, one)
    return table.start_line <= row.start_line and row.end_line <= table.end_line
