"""What is quoted if no span says all by itself: the units that match the question best, until a reader has enough."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.answering.matching import Matcher
from rag.answering.units import Unit, split_units
from rag.types import Passage

MAX_CHARACTERS = 1000
"""What is quoted of all passages together, unless one unit is longer."""
_OF_BEST_PASSAGE = 800
_MAX_PASSAGES = 3
_NEAR = 0.85
"""Another passage adds units that match at least this well, compared with the best one."""
_NEAR_WITHOUT_STEPS = 0.6
"""The same for "how do I", if what the best passage says has neither code nor a list."""
_DISTANCE = 0.03
"""What a unit loses for each unit between it and the best one, so that of two that match alike the nearer is quoted."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    unit: Unit
    characters: int
    score: float


def best_units(passages: Sequence[Passage], matcher: Matcher) -> dict[int, set[int]]:
    """Return the starts of the spans to quote, by the number of their passage; there is at least one passage."""
    candidates = [_candidates(passage, matcher) for passage in passages]
    own = max(candidates, key=lambda of_passage: max(each.score for each in of_passage))
    best = max(own, key=lambda each: each.score)
    around = sorted(own, key=lambda each: _DISTANCE * abs(own.index(each) - own.index(best)) - each.score)
    around = [each for each in around if each is not best and not each.unit.is_label]
    chosen = [best, *_fitting(around, _OF_BEST_PASSAGE - best.characters)]
    lacks_steps = matcher.wants_steps and not any(each.unit.has_steps for each in chosen)
    enough = (_NEAR_WITHOUT_STEPS if lacks_steps else _NEAR) * best.score
    others = [each for of_passage in candidates if of_passage is not own for each in of_passage if each.score >= enough]
    others = sorted((each for each in others if not each.unit.is_label), key=lambda each: -each.score)
    numbers = list(dict.fromkeys(each.unit.passage.number for each in others))[: _MAX_PASSAGES - 1]
    room = MAX_CHARACTERS - sum(each.characters for each in chosen)
    chosen += _fitting((each for each in others if each.unit.passage.number in numbers), room)
    found: dict[int, set[int]] = {}
    for each in chosen:
        found.setdefault(each.unit.passage.number, set()).update(each.unit.starts)
    return found


def _candidates(passage: Passage, matcher: Matcher) -> list[_Candidate]:
    units = split_units(passage)
    return [_Candidate(unit, len(unit.text), matcher.score(unit.text, passage)) for unit in units]


def _fitting(candidates: Iterable[_Candidate], room: int) -> list[_Candidate]:
    """Return the candidates that fit, first come first served."""
    chosen = []
    for each in candidates:
        if each.characters <= room:
            chosen.append(each)
            room -= each.characters
    return chosen
