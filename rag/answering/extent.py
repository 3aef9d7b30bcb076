"""How much is quoted around the span that matches best: a sentence alone seldom says all that a question asks.

What is read together is a unit: a paragraph, or a lead-in with its list, table or code. Units are quoted whole, those
that match the question best first, until a reader has enough.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from rag.retrieval.evidence import Evidence
from rag.text.blocks import leads_in
from rag.text.likeness import name_terms
from rag.text.question_words import HOW_TO, QUANTITIES
from rag.text.spans import BlockSpans, split_block_spans
from rag.text.tokens import strip_question_words, tokenize
from rag.types import Passage

MAX_CHARACTERS = 1000
"""What is quoted of all passages together, unless one unit is longer."""
_OF_BEST_PASSAGE = 700
_MAX_PASSAGES = 3
_NEAR = 0.85
"""Another passage adds units that match at least this well, compared with the best span."""
_NEAR_WITHOUT_STEPS = 0.6
"""The same for "how do I", if the best passage has neither code nor a list."""
_DISTANCE = 0.03
"""What a unit loses for each unit between it and the best one, so that of two that match alike the nearer is quoted."""
_TOLD = 0.9
"""A span that has this share of what the passages have of a question's words says all by itself."""

_NUMBER = re.compile(r"\d|[零一二两三四五六七八九十百千万半]\s*[个天次种份年月位岁层小分秒]")
_MAX_LABEL = 40

Scores = Mapping[tuple[int, int], float]
"""How well each span matches, by the number of its passage and its start."""


@dataclass(frozen=True, slots=True)
class _Unit:
    passage: Passage
    starts: frozenset[int]
    characters: int
    score: float
    has_steps: bool


def tells_all(text: str, evidence: Evidence) -> bool:
    """Return whether a span needs nothing around it: it holds the question's words, as far as any passage does."""
    if HOW_TO.search(evidence.question) or (QUANTITIES.search(evidence.question) and not has_number(text)):
        return False
    asked = _asked(evidence)
    held = frozenset(tokenize(text)) | name_terms(text)
    return sum(weight for term, weight in asked.items() if term in held) >= _TOLD * sum(asked.values()) > 0


def has_number(text: str) -> bool:
    """Return whether a text has a number, in figures or as one of the Chinese words for small ones."""
    return bool(_NUMBER.search(text))


def surroundings(evidence: Evidence, best: Passage, start: int, scores: Scores) -> dict[int, set[int]]:
    """Return the starts of the spans to quote by the number of their passage; `start` is that of the best span."""
    units = {passage.number: _units(passage, scores) for passage in evidence.passages}
    own = units.pop(best.number)
    center = next(at for at, unit in enumerate(own) if start in unit.starts)
    near = sorted(own, key=lambda unit: (unit is not own[center], _DISTANCE * abs(own.index(unit) - center) - unit.score))
    chosen = [near[0]]
    chosen += _fitting(near[1:], _OF_BEST_PASSAGE - near[0].characters)
    others = sorted(chain.from_iterable(units.values()), key=lambda unit: -unit.score)
    lacks_steps = bool(HOW_TO.search(evidence.question)) and not any(unit.has_steps for unit in chosen)
    near_enough = _NEAR_WITHOUT_STEPS if lacks_steps else _NEAR
    also = [unit for unit in others if unit.score >= near_enough * own[center].score]
    numbers = list(dict.fromkeys(unit.passage.number for unit in also))[: _MAX_PASSAGES - 1]
    room = MAX_CHARACTERS - sum(unit.characters for unit in chosen)
    chosen += _fitting([unit for unit in also if unit.passage.number in numbers], room)
    found: dict[int, set[int]] = {}
    for unit in chosen:
        found.setdefault(unit.passage.number, set()).update(unit.starts)
    return found


def _fitting(units: Sequence[_Unit], room: int) -> list[_Unit]:
    chosen = []
    for unit in units:
        if unit.characters <= room:
            chosen.append(unit)
            room -= unit.characters
    return chosen


def _units(passage: Passage, scores: Scores) -> list[_Unit]:
    units = []
    for run in _runs(split_block_spans(passage.chunk)):
        spans = [span for block in run for span in block.spans]
        units.append(
            _Unit(
                passage,
                frozenset(span.start for span in spans),
                sum(len(span.quote) for span in spans),
                max(scores[passage.number, span.start] for span in spans),
                has_steps=any(block.kind != "text" for block in run),
            )
        )
    return units


def _runs(blocks: Sequence[BlockSpans]) -> list[list[BlockSpans]]:
    """Return the blocks in runs that are read together; the tabs of one place, each with its label, are one."""
    runs: list[list[BlockSpans]] = []
    for block, below in zip_longest(blocks, blocks[1:]):
        above = runs[-1][-1] if runs else None
        is_label = below and below.lead and block.kind == "text" and _is_label(block)
        is_open = above and (above.kind == "code" or (above.kind == "text" and leads_in(above.spans[-1].quote)))
        is_code = above and block.kind == "code" and above.kind == "text"
        if above and (block.lead or is_code or (is_label and is_open)):
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs


def _is_label(block: BlockSpans) -> bool:
    """Return whether a text is the name of what stands below it, such as that of a file or a tab."""
    return len(block.spans) == 1 and len(block.spans[0].quote) <= _MAX_LABEL


def _asked(evidence: Evidence) -> Mapping[str, float]:
    """Return the weights of the question's words that any of the passages has."""
    terms = name_terms(strip_question_words(evidence.question)) & evidence.idf.keys()
    found = frozenset[str]().union(*(name_terms(passage.chunk.searchable_text) for passage in evidence.passages))
    return {term: evidence.idf[term] for term in terms & found}
