"""Hits → evidence: the numbered passages that an answer may rest on, and how likely it is that they answer at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.embedders import CountTokens
from rag.question import Language, language_of
from rag.retrieval import Retrieval
from rag.snapshot import Snapshot
from rag.structure import in_context, surroundings
from rag.sufficiency import probability
from rag.vocabulary import Hit, Passage


@dataclass(frozen=True, slots=True)
class Evidence:
    """`probability` (0..1) that the passages hold the answer; `idf` weighs the question's terms."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    idf: Mapping[str, float]
    probability: float


def gather_evidence(
    retrieval: Retrieval,
    snapshot: Snapshot,
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    max_passage_tokens: int,
    max_passages: int,
    language: Language | None = None,
) -> Evidence:
    """Read what stands around the best `max_passages` hits and number the passages, best first.

    `snapshot` is of the generation that the hits are from, `language` that of the answer, by default the question's.
    Raises StoreError.
    """
    question, hits = retrieval.question, retrieval.hits[:max_passages]
    condition = surroundings(question, hits)
    around = [stored.chunk for stored in snapshot.chunks(condition)] if condition else []
    passages = in_context(
        question,
        hits,
        around,
        count_tokens=count_tokens,
        max_tokens=max_tokens,
        max_passage_tokens=max_passage_tokens,
    )
    return Evidence(
        question=question,
        language=language or language_of(question),
        passages=tuple(Passage(number, hit) for number, hit in enumerate(passages, 1)),
        idf=retrieval.idf,
        probability=probability(retrieval),
    )


def nearest_headings(hits: Sequence[Hit], limit: int = 3) -> list[str]:
    """Where the reader might look instead: the distinct contexts of the best hits."""
    return list(dict.fromkeys(hit.chunk.context for hit in hits if hit.chunk.context))[:limit]
