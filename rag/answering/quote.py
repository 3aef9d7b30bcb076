"""An answer without a chat model: the best sentences, list items and table rows, each with its citation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.retrieval.evidence import Evidence
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Passage

QUOTING = "extractive"
"""What the `model` of a quoted answer is called."""

MAX_SPANS = 8
# A `[2]` in the document would read as a citation marker.
_BRACKETED_NUMBER = re.compile(r"[\[【［](\^?[\s\d,，、;；]+)[\]】］]")
_TIE = 0.95
"""Spans of one block that cover nearly as much of the question as the best one belong to the same answer: "what is in
layer two" matches every row of layer two alike."""
_MIN_COVERAGE = 0.15
"""Below this the words do not say which span is meant, and the order of the hits decides alone."""


@dataclass(frozen=True, slots=True)
class _Scored:
    passage: Passage
    span: Span
    position: int
    coverage: float
    score: float


def quote_evidence(evidence: Evidence) -> Iterator[str]:
    """Yield the text of an answer, span by span, each followed by its marker `[n]`. Several spans form a list."""
    chosen = choose_spans(evidence)
    for number, (passage, span) in enumerate(chosen):
        line_start = ("\n- " if number else "- ") if len(chosen) > 1 else ""
        text = _BRACKETED_NUMBER.sub(r"(\1)", span.text)
        yield f"{line_start}{text} [{passage.number}]"


def choose_spans(evidence: Evidence) -> list[tuple[Passage, Span]]:
    """Return the best span and those of its block that match the question alike, in reading order."""
    scored = _score(evidence)
    if not scored:
        return []
    best = max(scored, key=lambda candidate: candidate.score)
    chosen = [candidate for candidate in scored if _belongs(candidate, best)]
    chosen = sorted(chosen, key=lambda candidate: -candidate.score)[:MAX_SPANS]
    chosen.sort(key=lambda candidate: (candidate.passage.chunk.position, candidate.position))
    return [(candidate.passage, candidate.span) for candidate in chosen]


def _belongs(candidate: _Scored, best: _Scored) -> bool:
    if candidate.passage.number == best.passage.number and candidate.coverage == best.coverage:
        return True  # nothing tells the spans of the passage apart
    return (
        best.coverage >= _MIN_COVERAGE
        and candidate.passage.chunk.group == best.passage.chunk.group
        and candidate.coverage >= _TIE * best.coverage
    )


def _score(evidence: Evidence) -> list[_Scored]:
    mass = sum(evidence.idf.values()) or 1.0
    scored = []
    for passage in evidence.passages:
        context = frozenset(tokenize(passage.chunk.context))
        for position, span in enumerate(split_spans(passage.chunk)):
            covered = _covered(frozenset(tokenize(span.text)) | context, evidence) / mass
            scored.append(_Scored(passage, span, position, covered, passage.hit.score + covered))
    return scored


def _covered(held: frozenset[str], evidence: Evidence) -> float:
    return sum(weight for term, weight in evidence.idf.items() if term in held)
