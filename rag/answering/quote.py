"""No chat model: the answer is made of the best sentences, list items and table rows, each with its citation."""

import re
from dataclasses import dataclass

from rag.chat.prompt import DECLINED, Prompt
from rag.chat.protocol import ChatStream, Finished, TextDelta
from rag.retrieval.evidence import Evidence
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Passage

MAX_UNITS = 8
# The document's own `[2]` would read as our marker.
_BRACKETED_NUMBER = re.compile(r"[\[【［](\^?[\s\d,，、;；]+)[\]】］]")
_TIE = 0.95
"""Units of one block that cover nearly as much of the question as the best belong to the same answer: "what is in
layer two" matches every row of layer two alike."""
_MIN_COVERAGE = 0.15
"""Below this the words say nothing about which unit is meant, and the order of the hits decides alone."""


@dataclass(frozen=True, slots=True)
class _Scored:
    passage: Passage
    unit: Span
    position: int
    coverage: float
    score: float


class ExtractiveChat:
    """Quotes the passages. Needs no key, no network and no time."""

    name = "extractive"
    is_extractive = True
    context_tokens = None

    async def stream(self, prompt: Prompt) -> ChatStream:
        chosen = choose_units(prompt.evidence)
        if not chosen:
            yield TextDelta(DECLINED)
        for number, (passage, unit) in enumerate(chosen):
            line_start = ("\n- " if number else "- ") if len(chosen) > 1 else ""
            text = _BRACKETED_NUMBER.sub(r"(\1)", unit.text)
            yield TextDelta(f"{line_start}{text} [{passage.number}]")
        yield Finished(self.name)

    async def close(self) -> None:
        return None


def choose_units(evidence: Evidence) -> list[tuple[Passage, Span]]:
    """The units that answer, in reading order: the best one, and those of its block that match the question alike."""
    scored = _score(evidence)
    if not scored:
        return []
    best = max(scored, key=lambda candidate: candidate.score)
    chosen = [candidate for candidate in scored if _belongs(candidate, best)]
    chosen = sorted(chosen, key=lambda candidate: -candidate.score)[:MAX_UNITS]
    chosen.sort(key=lambda candidate: (candidate.passage.chunk.position, candidate.position))
    return [(candidate.passage, candidate.unit) for candidate in chosen]


def _belongs(candidate: _Scored, best: _Scored) -> bool:
    if candidate.passage.number == best.passage.number and candidate.coverage == best.coverage:
        return True  # nothing tells the units of the passage apart
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
        for position, unit in enumerate(split_spans(passage.chunk)):
            covered = _covered(frozenset(tokenize(unit.text)) | context, evidence) / mass
            scored.append(_Scored(passage, unit, position, covered, passage.hit.score + covered))
    return scored


def _covered(held: frozenset[str], evidence: Evidence) -> float:
    return sum(weight for term, weight in evidence.idf.items() if term in held)
