"""Search for a question and gather the evidence; several questions in one are searched each by itself."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.answering.cell_similarity import similar_cells
from rag.answering.history import Turn, complete_by_rule
from rag.answering.quoted_answer import QuotedAnswer, number_in_order, quote_answer
from rag.answering.unit_similarity import similar_units
from rag.chat.prompt import estimate_tokens
from rag.models.embedders.protocol import Embedder
from rag.retrieval.document_dates import Document
from rag.retrieval.evidence import Evidence, gather_evidence
from rag.retrieval.search import Retrieval, Searcher
from rag.settings import AnsweringSettings
from rag.store.filters import Filter
from rag.store.joint import AnySnapshot
from rag.text.language import ReplyLanguage
from rag.text.question_parts import split_questions
from rag.types import Passage


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found, the evidence in it, and the seconds by stage; `quoted` if there is no chat model to write.

    `dates` are the days of the documents of the passages.
    """

    retrieval: Retrieval
    evidence: Evidence
    seconds: Mapping[str, float]
    quoted: QuotedAnswer | None = None
    dates: Mapping[Document, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Searches one generation for a request. `search_filter` and `language` hold for all its questions.

    `is_quoted`: there is no chat model, so the evidence will be quoted.
    """

    searcher: Searcher
    settings: AnsweringSettings
    snapshot: AnySnapshot
    search_filter: Filter | None
    language: ReplyLanguage
    is_quoted: bool

    def gather(self, question: str) -> Gathered:
        """Return what is found for a question. Blocks; raises StoreError and EmbedderError.

        If the message holds several questions, its evidence has a part for each; for a chat model, only if one search
        for the whole finds too little.
        """
        parts = complete_parts(split_questions(question))
        if self.is_quoted:
            return self._quote(_merge(question, [self._gather_one(part) for part in parts]))
        found = self._gather_one(question)
        if not self._is_enough(found) and len(parts) > 1:
            found = _merge(question, [self._gather_one(part) for part in parts])
            self._is_enough(found)  # known from now on, so that the event loop need not wait for it
        return found

    def _is_enough(self, found: Gathered) -> bool:
        return found.evidence.reaches(self.settings.min_evidence)

    def _quote(self, found: Gathered) -> Gathered:
        quoted = quote_evidence(found.evidence, self.searcher.embedder, min_evidence=self.settings.min_evidence)
        if not quoted:
            return found
        quoted, evidence = number_in_order(quoted, found.evidence)
        return replace(found, evidence=evidence, quoted=quoted)

    def _gather_one(self, question: str) -> Gathered:
        retrieval = self.searcher.retrieve(question, self.snapshot, search_filter=self.search_filter)
        retrieved = time.perf_counter()
        evidence = gather_evidence(
            retrieval,
            self.snapshot,
            count_tokens=estimate_tokens,
            max_tokens=self.settings.max_evidence_tokens,
            max_passage_tokens=self.settings.max_passage_tokens,
            max_passages=self.settings.max_passages,
            language=self.language,
        )
        return Gathered(retrieval, evidence, {**retrieval.seconds, "evidence": time.perf_counter() - retrieved})


def quote_evidence(evidence: Evidence, embedder: Embedder, *, min_evidence: float) -> QuotedAnswer | None:
    """Quote the answer as `quote_answer` does, from passages in other languages too. Blocks; raises EmbedderError."""
    parts = [
        replace(
            part,
            similarity=similar_cells(part.question, part.passages, embedder),
            unit_similarity=similar_units(part.question, part.passages, part.compare),
        )
        for part in evidence.parts or (evidence,)
    ]
    compared = replace(evidence, parts=tuple(parts)) if evidence.parts else parts[0]
    return quote_answer(compared, min_evidence=min_evidence)


def complete_parts(parts: Sequence[str]) -> list[str]:
    """Return the questions of one message, each so that it can be understood alone."""
    completed: list[str] = []
    for part in parts:
        completed.append(complete_by_rule(part, [Turn("user", completed[-1])]) if completed else part)
    return completed


def _merge(question: str, found: Sequence[Gathered]) -> Gathered:
    """Return what was found for the parts of a question as one; each passage has one number in all parts."""
    if len(found) == 1:
        return found[0]
    numbered: dict[tuple[str, str], Passage] = {}
    parts = []
    for each in found:
        passages = []
        for passage in each.evidence.passages:
            key = (passage.chunk.id, passage.chunk.content)
            first = numbered.setdefault(key, replace(passage, number=len(numbered) + 1))
            passages.append(replace(passage, number=first.number))
        parts.append(replace(each.evidence, passages=tuple(passages)))
    evidence = Evidence(
        question=question,
        language=parts[0].language,
        passages=tuple(numbered.values()),
        idf={term: weight for part in parts for term, weight in part.idf.items()},
        judged=0.0,
        parts=tuple(parts),
    )
    hits = {hit.chunk.id: hit for each in found for hit in each.retrieval.hits}
    candidates = {hit.chunk.id: hit for each in found for hit in each.retrieval.candidates}
    retrieval = replace(
        found[0].retrieval, question=question, hits=tuple(hits.values()), candidates=tuple(candidates.values())
    )
    seconds = {stage: sum(each.seconds.get(stage, 0.0) for each in found) for stage in found[0].seconds}
    return Gathered(retrieval, evidence, seconds)
