"""Answer without a chat model: quote the best sentences, list items and table rows, each with its citation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.retrieval.evidence import Evidence
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Passage

EXTRACTIVE = "extractive"
"""The `model` of an answer that is quoted from the documents."""

MAX_SPANS = 8
# A `[2]` in a document would look like a citation marker.
_BRACKETED_NUMBER = re.compile(r"[\[【［](\^?[\s\d,，、;；]+)[\]】］]")
_TIE_RATIO = 0.95
"""A span of the same block belongs to the answer if it covers at least this much of what the best span covers: "what is
in layer two" matches every row of layer two equally."""
_MIN_COVERAGE = 0.15
"""If the best span covers less than this, its words do not tell which spans belong together."""


@dataclass(frozen=True, slots=True)
class _ScoredSpan:
    passage: Passage
    span: Span
    position: int
    coverage: float
    score: float


def quote_evidence(evidence: Evidence) -> Iterator[str]:
    """Yield the text of an answer, span by span, each with its marker `[n]`; several spans form a Markdown list."""
    chosen = choose_spans(evidence)
    for number, (passage, span) in enumerate(chosen):
        line_start = ("\n- " if number else "- ") if len(chosen) > 1 else ""
        text = _BRACKETED_NUMBER.sub(r"(\1)", span.text)
        yield f"{line_start}{text} [{passage.number}]"


def choose_spans(evidence: Evidence) -> list[tuple[Passage, Span]]:
    """Return the best span with its passage, and the spans of its block that match the question equally well.

    They are in reading order, at most `MAX_SPANS`.
    """
    scored = _score(evidence)
    if not scored:
        return []
    best = max(scored, key=lambda candidate: candidate.score)
    chosen = [candidate for candidate in scored if _belongs(candidate, best)]
    chosen = sorted(chosen, key=lambda candidate: -candidate.score)[:MAX_SPANS]
    chosen.sort(key=lambda candidate: (candidate.passage.chunk.position, candidate.position))
    return [(candidate.passage, candidate.span) for candidate in chosen]


def _belongs(candidate: _ScoredSpan, best: _ScoredSpan) -> bool:
    if candidate.passage.number == best.passage.number and candidate.coverage == best.coverage:
        return True  # the question does not tell the spans of the passage apart
    return (
        best.coverage >= _MIN_COVERAGE
        and candidate.passage.chunk.group == best.passage.chunk.group
        and candidate.coverage >= _TIE_RATIO * best.coverage
    )


def _score(evidence: Evidence) -> list[_ScoredSpan]:
    total = sum(evidence.idf.values()) or 1.0
    scored = []
    for passage in evidence.passages:
        context = frozenset(tokenize(passage.chunk.context))
        for position, span in enumerate(split_spans(passage.chunk)):
            coverage = _covered_weight(frozenset(tokenize(span.text)) | context, evidence) / total
            scored.append(_ScoredSpan(passage, span, position, coverage, passage.hit.score + coverage))
    return scored


def _covered_weight(terms: frozenset[str], evidence: Evidence) -> float:
    return sum(weight for term, weight in evidence.idf.items() if term in terms)
