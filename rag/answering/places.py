"""The entry at a place of an order: the third step, layer four, what comes after something."""

from collections.abc import Sequence

from rag.answering.entries import Entry, EntryGroup, ordinal
from rag.text.likeness import likeness, name_terms, share_of
from rag.text.question_form import Place, QuestionForm
from rag.text.question_words import LAYERS, NTH, STEPS

_ANY_VERB = frozenset(["", *"做 办 干 弄 do doing".split()])
"""Verbs that tell no list from another."""
_MIN_ANCHOR = 0.3
"""A step is found by less than half of its words: 领完工牌 means 到前台领取工牌."""


def placed_entries(form: QuestionForm, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return the entries at the place that a question asks for; empty if no group has it."""
    place = form.place
    if not place:
        return []
    if place.kind == "end":
        return _end_of_steps(place, form.question, groups)
    if place.kind != "nth":
        return _beside_anchor(place, groups)
    # Layers and tiers bear their numbers: "tier one" is no first item of a list.
    return _labelled(place, groups) if place.unit in LAYERS else _counted(place, form.question, groups)


def _labelled(place: Place, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return the entries of the first group with an ordinal of that number in a cell: 第四层, "Layer 4"."""
    for group in groups:
        found = [entry for entry in group.entries if any(ordinal(value) == place.number for value in entry.values)]
        if found:
            return found
    return []


def _counted(place: Place, question: str, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return the entry of that number in the group whose heading holds most of the rest of the question."""
    rest = question
    for form in NTH:
        rest = form.sub(" ", rest)
    ordered = [group for group in groups if group.is_numbered] if place.unit in STEPS else []
    long_enough = [group for group in ordered or groups if len(group.entries) >= place.number]
    if not long_enough:
        return []
    terms = name_terms(rest)
    best = max(long_enough, key=lambda group: len(terms & name_terms(group.heading)))
    return [best.entries[place.number - 1 if place.number > 0 else -1]]


def _end_of_steps(place: Place, question: str, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return the first or last entry of the numbered list whose heading has the question's verb, or else its words."""
    asked = question if place.anchor in _ANY_VERB else place.anchor
    likely = [group for group in groups if group.is_numbered and _is_about(asked, group)]
    best = max(likely, key=lambda group: share_of(question, group.heading), default=None)
    return [best.entries[0 if place.number > 0 else -1]] if best else []


def _is_about(asked: str, group: EntryGroup) -> bool:
    heading = " ".join([*group.entries[0].passage.chunk.heading_path[-1:], group.label]).casefold()
    # A single character is how a heading has a verb: 学 as 学习.
    return bool(name_terms(asked) & name_terms(heading)) or (len(asked) == 1 and asked in heading)


def _beside_anchor(place: Place, groups: Sequence[EntryGroup]) -> list[Entry]:
    step = 1 if place.kind == "after" else -1
    best, score = [], 0.0
    for group in groups:
        for number, entry in enumerate(group.entries):
            # A long item may say more than the question does, and the question more than a short one.
            share = share_of(place.anchor, " ".join(entry.values))
            alike = share + likeness(place.anchor, entry.values)
            if share >= _MIN_ANCHOR and alike > score and 0 <= number + step < len(group.entries):
                best, score = [group.entries[number + step]], alike
    return best
