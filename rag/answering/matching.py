"""How well a text of a passage matches the question: by its words, and by what it tells."""

import re
from collections.abc import Set
from functools import cached_property

from rag.retrieval.evidence import Evidence
from rag.text import segmentation
from rag.text.attributes import asked_attributes, tells_all
from rag.text.likeness import name_terms, stem, stems
from rag.text.question_words import HOW_TO, QUANTITIES, REASON, WHICH_ONES, WHY
from rag.text.term_finder import TermFinder
from rag.text.tokens import strip_question_words
from rag.types import Passage

_TELLS = 0.3
"""Added to the score of a text that tells the attribute asked for, such as a price or an address."""
_HAS_NUMBER = 0.15
"""Added to the score of a text with a number, if the question asks for one."""
_TOLD = 0.9
"""A text that has this share of what the passages have of a question's words says all by itself."""
_MOST = 0.6
"""If the passages have less than this share of the question's words, no sentence is known to say all."""
_SUMMARISES = 0.3
"""Taken from the score of a summary of the page, which names everything and tells little."""
_SUMMARY = re.compile(r"(?m)^(?:description|summary|excerpt|abstract|keywords|描述|摘要|简介)\s*[:：]", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|[零一二两三四五六七八九十百千万半]\s*[个天次种份年月位岁层小分秒]"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|twice|half)\b"
    r"|\b(?:once|one|a) (?:an? )?(?:second|minute|hour|day|night|week|month|quarter|year)\b",
    re.IGNORECASE,
)


class Matcher:
    """Compares texts of the passages with the question of one Evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.question_stems = stems(evidence.question)
        self._weights = [(stem(term), weight) for term, weight in evidence.idf.items()]
        self._asked = name_terms(strip_question_words(evidence.question))
        self._finder = TermFinder({*self._asked, *(term for term, _ in self._weights)}, stemmed=True)
        self._total = sum(evidence.idf.values()) or 1.0
        self._attributes = asked_attributes(evidence.question)
        self._wants_number = bool(QUANTITIES.search(evidence.question))
        self._wants_several = bool(WHICH_ONES.search(evidence.question))
        self._wants_reason = bool(WHY.search(evidence.question))
        self.wants_steps = bool(HOW_TO.search(evidence.question))

    def held(self, text: str) -> frozenset[str]:
        """Return the stems of the question's terms that a text has."""
        return self._finder.find(text)

    def coverage(self, held: Set[str]) -> float:
        """Return the share (0..1) of the question's terms, each weighted by its idf, whose stems are in `held`."""
        return sum([weight for term, weight in self._weights if term in held]) / self._total

    def share_of_held(self, coverage: float) -> float:
        """Return a coverage as a share (0..1) of what any passage covers: other words cannot choose among them."""
        return coverage * self._total / self._weight_held

    def tells(self, text: str) -> float:
        """Return what is added to the score of a text that has the attribute or the number asked for."""
        attributes = sum(bool(attribute.tells.search(text)) for attribute in self._attributes)
        return _TELLS * attributes + _HAS_NUMBER * self._has_number(text)

    def score(self, text: str, passage: Passage, *, above: str = "") -> float:
        """Return the score of the passage plus what its heading, the text and `above` have of the question."""
        if self._similarity:
            return self._similarity.get(text, 0.0) + passage.hit.score / 2 + self.tells(text)
        held = self.share_of_held(self.coverage(self.held(passage.chunk.context) | self.held(above) | self.held(text)))
        return passage.hit.score + held + self.tells(text) - summary_penalty(text, passage)

    def tells_all(self, text: str) -> bool:
        """Return whether a text needs nothing around it: it holds the question's words, as far as any passage does.

        Never if the question asks for steps, or which ones: a sentence with its words may only mention them.
        """
        if self.wants_steps or self._wants_several or (self._wants_number and not self._has_number(text)):
            return False
        if not tells_all(self._attributes, text) or (self._wants_reason and not REASON.search(text)):
            return False
        held = self._asked_in(text)
        share = sum(weight for term, weight in self._found.items() if term in held)
        found = sum(self._found.values())
        return share >= _TOLD * found > 0 and found >= _MOST * (found + self._unknown)

    def _has_number(self, text: str) -> bool:
        return self._wants_number and bool(_NUMBER.search(text))

    def _asked_in(self, text: str) -> frozenset[str]:
        return self._asked & self._finder.find_names(text)

    @cached_property
    def _passages(self) -> list[str]:
        return [passage.chunk.searchable_text for passage in self._evidence.passages]

    @cached_property
    def _weight_held(self) -> float:
        held = frozenset[str]().union(*map(self.held, self._passages))
        return sum(weight for term, weight in self._weights if term in held) or 1.0

    @cached_property
    def _unknown(self) -> float:
        """The weight of the question's words that no passage has: of Chinese words, those of which it has no pair."""
        weights = dict(self._weights)
        words = segmentation.segment(strip_question_words(self._evidence.question))
        absent = [terms for word in words if not (terms := name_terms(word)) & self._found.keys()]
        return sum(max((weights.get(term, 0.0) for term in terms if len(term) > 1), default=0.0) for terms in absent)

    @cached_property
    def _found(self) -> dict[str, float]:
        """The weights of the question's words that any of the passages has."""
        found = frozenset[str]().union(*map(self._asked_in, self._passages))
        return {term: weight for term, weight in self._weights if term in found}

    @cached_property
    def _similarity(self) -> dict[str, float]:
        """The similarity of texts whose words cannot match, from 0 for the least similar to 1 for the most."""
        given = self._evidence.unit_similarity
        lowest, highest = min(given.values(), default=0.0), max(given.values(), default=0.0)
        return {text: (value - lowest) / (highest - lowest or 1.0) for text, value in given.items()}


def summary_penalty(text: str, passage: Passage) -> float:
    """Return what is taken from the score of a text that sums its document up in the front matter."""
    is_front = passage.chunk.position == 0 and not passage.chunk.heading_path
    return _SUMMARISES if is_front and _SUMMARY.search(text) else 0.0
