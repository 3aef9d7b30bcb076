"""What is quoted if no span says all by itself: the units that match the question best, until a reader has enough."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.matching import Matcher
from rag.answering.units import Unit, split_units
from rag.text.cjk import has_han
from rag.types import Passage

MAX_CHARACTERS = 1400
MAX_CHINESE_CHARACTERS = 1000
"""What is quoted of all passages together, unless one unit is longer: about a minute's reading."""
_OF_BEST_PASSAGE = 800
_MAX_PASSAGES = 4
_NEAR = 0.6
"""Another passage adds units that match at least this well, compared with the best one."""
_FOUND_WELL = 0.5
"""Another passage adds nothing if the search gave it less than this share of the score of the best one."""
_NEAR_ROW = 0.85
"""The same for rows of one table, which differ in what counts."""
_DISTANCE = 0.03
"""What a unit loses for each unit between it and the best one, so that of two that match alike the nearer is quoted."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit, the number of those above it in its passage, its length and its score."""

    unit: Unit
    at: int
    characters: int
    score: float


def best_units(leading: Sequence[Passage], passages: Sequence[Passage], matcher: Matcher) -> dict[int, set[int]]:
    """Return the starts of the spans to quote, by the number of their passage.

    The best unit of the leading passages comes first, then those of its passage, then those of other passages that
    match nearly as well. If the question wants steps and these passages have none, the best steps of another one are
    quoted in any case.
    """
    candidates = [_candidates(passage, matcher) for passage in passages]
    first = [each for of_passage in candidates for each in of_passage if each.unit.passage in leading]
    best = max(first, key=lambda each: each.score)
    own = next(of_passage for of_passage in candidates if best in of_passage)
    others = [each for of_passage in candidates if of_passage is not own for each in of_passage]
    chosen = [best, *_around(best, own, wants_steps=matcher.wants_steps)]
    found_well = _FOUND_WELL * best.unit.passage.hit.score
    others = [each for each in others if each.unit.passage.hit.score >= found_well]
    near = [each for each in others if each.score >= _nearness(each, best) * best.score]
    if matcher.wants_steps and not any(each.unit.has_steps for each in chosen):
        chosen += _steps(sorted(others, key=lambda each: -each.score))[:1]
    characters = MAX_CHINESE_CHARACTERS if has_han(best.unit.text) else MAX_CHARACTERS
    chosen += _beside([each for each in near if each not in chosen], _room(chosen, characters))
    found: dict[int, set[int]] = {}
    for each in chosen:
        found.setdefault(each.unit.passage.number, set()).update(each.unit.starts)
    return found


def _candidates(passage: Passage, matcher: Matcher) -> list[_Candidate]:
    units = enumerate(split_units(passage))
    return [
        _Candidate(unit, at, len(unit.text), matcher.score(unit.text, passage, above=unit.above)) for at, unit in units
    ]


def _around(best: _Candidate, own: Sequence[_Candidate], *, wants_steps: bool) -> list[_Candidate]:
    """Return what is quoted beside the best unit of the same passage; of a table, rows that match nearly as well.

    If the question wants steps and the best unit has none, the next ones are quoted even if there is no room.
    """
    others = [each for each in own if each is not best and not each.unit.is_label]
    others = [each for each in others if not each.unit.is_row or each.score >= _NEAR_ROW * best.score]
    others.sort(key=lambda each: _DISTANCE * abs(each.at - best.at) - each.score)
    needed = _steps(others)[:1] if wants_steps and not best.unit.has_steps else []
    rest = [each for each in others if each not in needed]
    return needed + _fitting(rest, _room([best, *needed], _OF_BEST_PASSAGE))


def _steps(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the candidates with steps that are not too long, in the same order."""
    return [each for each in candidates if each.unit.has_steps and each.characters <= _OF_BEST_PASSAGE]


def _nearness(candidate: _Candidate, best: _Candidate) -> float:
    is_neighbour = candidate.unit.passage.chunk.group_key == best.unit.passage.chunk.group_key
    return _NEAR_ROW if candidate.unit.is_row and is_neighbour else _NEAR


def _beside(others: Sequence[_Candidate], room: int) -> list[_Candidate]:
    """Return what is quoted of other passages, the best ones first."""
    ordered = sorted((each for each in others if not each.unit.is_label), key=lambda each: -each.score)
    numbers = list(dict.fromkeys(each.unit.passage.number for each in ordered))[: _MAX_PASSAGES - 1]
    return _fitting([each for each in ordered if each.unit.passage.number in numbers], room)


def _room(chosen: Sequence[_Candidate], characters: int) -> int:
    return characters - sum(each.characters for each in chosen)


def _fitting(candidates: Sequence[_Candidate], room: int) -> list[_Candidate]:
    """Return the candidates that fit, first come first served."""
    chosen = []
    for each in candidates:
        if each.characters <= room:
            chosen.append(each)
            room -= each.characters
    return chosen
