"""Hits → evidence: the numbered passages an answer may cite, and the probability that they answer the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.models.embedders.protocol import CountTokens
from rag.retrieval.neighbours import expand_hits, neighbourhood_of
from rag.retrieval.search import CompareTexts, Retrieval
from rag.retrieval.sufficiency import Sufficiency
from rag.store.joint import AnySnapshot
from rag.text.language import Language, ReplyLanguage, detect_reply_language
from rag.types import Hit, Passage


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passages for a question and the probability (0..1) that they answer it; `idf` weighs the question's terms.

    `judged` is that probability, or what computes it as far as it matters; `parts` have their own.

    `language` is that of the answer. If the question is several in one, `parts` has the evidence for each, with the
    same numbers for the passages. If its words cannot match, `similarity` (-1..1) is that of cells and headings to it,
    and `unit_similarity` that of the paragraphs, lists and code of the passages; `compare` embeds texts for it.
    """

    question: str
    language: ReplyLanguage
    passages: tuple[Passage, ...]
    idf: Mapping[str, float]
    judged: float | Sufficiency
    parts: "tuple[Evidence, ...]" = ()
    similarity: Mapping[str, float] = field(default_factory=dict)
    unit_similarity: Mapping[str, float] = field(default_factory=dict)
    compare: CompareTexts = field(default=lambda texts: [0.0] * len(texts), compare=False, repr=False)

    def reaches(self, level: float) -> bool:
        """Return whether the probability is at least `level` (0..1). Blocks; may raise EmbedderError."""
        if self.parts:
            return any(part.reaches(level) for part in self.parts)
        return self.judged.reaches(level) if isinstance(self.judged, Sufficiency) else self.judged >= level

    @property
    def probability(self) -> float:
        """The probability as far as `reaches` needed it: the exact value, a lower bound, or a low estimate."""
        if self.parts:
            return max(part.probability for part in self.parts)
        return self.judged.known if isinstance(self.judged, Sufficiency) else self.judged

    @property
    def text(self) -> str:
        """The texts of all passages, with their headings."""
        return "\n".join(passage.chunk.searchable_text for passage in self.passages)

    @property
    def prompt_language(self) -> Language:
        """The language of the instructions to a chat model."""
        return "zh" if self.language == "zh" else "en"


def gather_evidence(
    retrieval: Retrieval,
    snapshot: AnySnapshot,
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    max_passage_tokens: int,
    max_passages: int,
    language: ReplyLanguage | None = None,
) -> Evidence:
    """Read the surroundings of the best `max_passages` hits and number the passages, best first.

    `snapshot` is of the generation that the hits come from. `language` is that of the answer, by default that of the
    question. Raises StoreError.
    """
    question, hits = retrieval.question, retrieval.hits[:max_passages]
    neighbours = snapshot.neighbours(neighbourhood_of(question, hits, retrieval.idf))
    passages = expand_hits(
        question,
        hits,
        neighbours,
        idf=retrieval.idf,
        count_tokens=count_tokens,
        max_tokens=max_tokens,
        max_passage_tokens=max_passage_tokens,
    )
    return Evidence(
        question=question,
        language=language or detect_reply_language(question),
        passages=tuple(Passage(number, hit) for number, hit in enumerate(passages, 1)),
        idf=retrieval.idf,
        judged=Sufficiency(retrieval) if hits else 0.0,
        compare=retrieval.results.compare,
    )


def nearest_headings(hits: Sequence[Hit], limit: int = 3) -> list[str]:
    """Return the distinct contexts of the best hits: places where a person may look instead."""
    return list(dict.fromkeys(hit.chunk.context for hit in hits if hit.chunk.context))[:limit]
