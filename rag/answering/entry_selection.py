"""The rows and items that answer a question which asks for more than what matches best.

All of a list, both sides of a comparison, a place in an order, everything but an exception. What a question asks for is
read in rag/text/question_form.py; here it is found in the tables and lists of the evidence.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rag.answering.cell_similarity import bare_text, shared_texts
from rag.answering.comparison import all_rows_of_two_columns, compared_entries
from rag.answering.entries import Entry, EntryGroup
from rag.answering.places import placed_entries
from rag.retrieval.evidence import Evidence
from rag.text import segmentation
from rag.text.language import is_cross_lingual
from rag.text.likeness import name_terms, share_of, stem
from rag.text.question_form import QuestionForm
from rag.text.question_words import GENERIC, STEPS
from rag.text.spans import split_block_spans
from rag.text.table_rows import Cell
from rag.text.tokens import tokenize

_MIN_SHARE = 0.1
"""If the words that tell entries apart have less than this share of a question's weight, it asks for all entries."""
_TIE = 0.95
_LISTS_FIRST = 0.3
"""How much better a sentence must match a question for all of something than the best table or list."""
_NAMED = 0.4
"""The label and heading of a list name it if they have this share of the question's weight."""
_IS_ASKED = 0.15
_SHORT_LIST = 400
"""Of a list of so few characters, a question for all is not answered by one item."""
_LEXICAL = 0.5
"""A question in another language is answered by similarity if its words match less than this share of its weight."""
_LEAD = 0.005
"""A cell that is not ahead of all others by this does not tell what is meant; the best hit does."""
_AS_NEAR = 0.015
"""A heading that is so little less similar than the best cell means all entries below it."""
_GENERIC_TEXT = " ".join(GENERIC)
_PART = re.compile(r"\s*[,，、；;]\s*")


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries that answer a question, in reading order.

    `is_exact`: both sides or the place itself were found. `is_unsure`: a sentence matches the question better.
    """

    entries: Sequence[Entry] = ()
    is_exact: bool = False
    is_unsure: bool = False


def select_entries(form: QuestionForm, groups: Sequence[EntryGroup], evidence: Evidence) -> Selection:
    """Return the entries that answer the question; none if it asks for what matches best."""
    if not groups or not form.wants_group:
        return Selection()
    if form.sides:
        exact = compared_entries(form, groups)
        return Selection(exact or all_rows_of_two_columns(form, _across(groups, evidence)), bool(exact))
    if form.place and (placed := placed_entries(form, groups)):
        return Selection(placed, is_exact=True)
    if form.place and form.place.kind == "end" and not replace(form, place=None).wants_group:
        return Selection()  # "first" and "last" need not be about steps
    return _all_that_match(form, groups, evidence)


def _all_that_match(form: QuestionForm, groups: Sequence[EntryGroup], evidence: Evidence) -> Selection:
    weights = _weights(form, evidence)
    if form.column in STEPS:
        groups = [group for group in groups if group.is_numbered] or groups
    group = max(groups, key=lambda group: _fit(group, weights) + _head_start(group, form, weights))
    best_sentence = _best_sentence(evidence, weights)
    fit = _fit(group, weights)
    has_exceptions = bool(form.excluded or form.denied) and any(_is_exception(form, entry) for entry in group.entries)
    if fit + _head_start(group, form, weights) < best_sentence and not has_exceptions:
        return Selection()
    if evidence.similarity and fit - group.score < _LEXICAL:
        return Selection(_without_exceptions(form, *_nearest(groups, evidence.similarity)))
    chosen = _matching(group, weights)
    if form.asks_for_all and len(chosen) == 1 and not (group.is_table or has_exceptions) and _is_short(group):
        chosen = list(group.entries)
    if form.asks_for_all and not form.excluded:
        chosen += [
            entry for other in groups if other is not group for entry in _with_same_name(other, chosen, group, weights)
        ]
    is_unsure = fit < best_sentence and not has_exceptions
    return Selection(_without_exceptions(form, chosen, group), is_unsure=is_unsure)


def _across(groups: Sequence[EntryGroup], evidence: Evidence) -> Sequence[EntryGroup]:
    """Return the groups that are in another language than the question, or whose headers are."""
    return [group for group in groups if is_cross_lingual(evidence.question, " ".join([group.label, *group.headers]))]


def _weights(form: QuestionForm, evidence: Evidence) -> Mapping[str, float]:
    """Return the weights of the question's terms, without what it excludes or denies, and words like 产品 or 公司."""
    without = frozenset(tokenize(f"{form.excluded} {form.denied} {_GENERIC_TEXT}"))
    # A plural may match an English word in a Chinese text by chance: clouds are no Cloud Studio.
    is_across = is_cross_lingual(evidence.question, evidence.passages[0].chunk.content)
    terms = {term if is_across else stem(term): idf for term, idf in evidence.idf.items()}
    telling = {term: idf for term, idf in terms.items() if term not in without}
    return {term: idf for term, idf in telling.items() if len(term) > 1} or telling or dict(evidence.idf)


def _best_sentence(evidence: Evidence, weights: Mapping[str, float]) -> float:
    """Return the score of the best sentence that stands in no list and no table, as `_fit` scores a group."""
    return max(
        (
            passage.hit.score + _share(name_terms(f"{passage.chunk.context} {span.text}"), weights)
            for passage in evidence.passages
            for block in split_block_spans(passage.chunk)
            if block.kind == "text"
            for span in block.spans
        ),
        default=0.0,
    )


def _fit(group: EntryGroup, weights: Mapping[str, float]) -> float:
    """Return the score of a group's best passage plus the share of the weights that it holds with its best entry."""
    heading = name_terms(group.heading)
    return group.score + max(_share(heading | _terms(entry), weights) for entry in group.entries)


def _head_start(group: EntryGroup, form: QuestionForm, weights: Mapping[str, float]) -> float:
    """Return by how much a group may match worse than a sentence: less for a list that nothing names by these words.

    A group whose label, heading or header is the noun behind "which" comes before one that only has it in an entry.
    """
    path = group.entries[0].passage.chunk.heading_path
    names = name_terms(" ".join([*path[-1:], group.label, *group.headers]))
    is_asked = _IS_ASKED if form.column and name_terms(form.column) <= names else 0.0
    if group.is_table:
        return _LISTS_FIRST + is_asked
    if len(group.entries) == 1:
        return 0.0
    return _LISTS_FIRST * min(1.0, _share(names, weights) / _NAMED) + is_asked


def _matching(group: EntryGroup, weights: Mapping[str, float]) -> list[Entry]:
    """Return the entries that hold most of the words that tell them apart; all if the question has no such words."""
    common = group.common_terms()
    shares = [_share(_terms(entry) - common, weights) for entry in group.entries]
    best = max(shares)
    if best < _MIN_SHARE:
        return list(group.entries)
    # The best hit may be meant although another entry has a rarer word of the question.
    numbers = [entry.passage.number for entry in group.entries]
    of_best_hit = shares[numbers.index(min(numbers))]
    best = of_best_hit if group.is_table and of_best_hit >= best / 2 else best
    return [entry for entry, share in zip(group.entries, shares, strict=True) if share >= _TIE * best]


def _nearest(groups: Sequence[EntryGroup], similarity: Mapping[str, float]) -> tuple[list[Entry], EntryGroup]:
    """Return the group whose heading is most similar to the question with all its entries, or those with that cell.

    No entries if none is clearly the nearest and those of the best hit cannot be compared.
    """

    def nearest(texts: Iterable[str]) -> float:
        return max((similarity.get(text, -1.0) for text in texts), default=-1.0)

    def cells(entry: Entry) -> list[str]:
        return [bare_text(value) for value in entry.values]

    best = max(groups, key=lambda group: nearest([*shared_texts(group), *chain(*map(cells, group.entries))]))
    of_entries = [nearest(cells(entry)) for entry in best.entries]
    highest = max(of_entries)
    if nearest(shared_texts(best)) >= highest - _AS_NEAR:
        return list(best.entries), best
    others = [score for group in groups for entry in group.entries if (score := nearest(cells(entry))) < highest]
    if highest - max(others, default=-1.0) < _LEAD:
        of_all = (entry for group in groups for entry in group.entries)
        best_hit = min(of_all, key=lambda entry: (entry.passage.number, -nearest(cells(entry))))
        if nearest(cells(best_hit)) < 0:  # its texts are too long to be compared
            return [], best
        return [best_hit], next(group for group in groups if best_hit in group.entries)
    return [entry for entry, score in zip(best.entries, of_entries, strict=True) if score == highest], best


def _with_same_name(
    other: EntryGroup, chosen: Collection[Entry], group: EntryGroup, weights: Mapping[str, float]
) -> list[Entry]:
    """Return the entries of another group that hold all words by which the chosen entries were found."""
    if len(chosen) == len(group.entries):
        return []
    common = group.common_terms()
    found = frozenset.intersection(*(_terms(entry) - common for entry in chosen)) & weights.keys()
    if _share(found, weights) < 1 - _MIN_SHARE:
        return []
    return [entry for entry in other.entries if found <= _terms(entry)]


def _without_exceptions(form: QuestionForm, entries: Sequence[Entry], group: EntryGroup) -> list[Entry]:
    """Return the entries without those that hold what is excluded or denied; a single entry without parts of it."""
    if not (form.excluded or form.denied):
        return list(entries)
    kept = [entry for entry in entries if not _is_exception(form, entry)]
    if not kept and len(entries) == 1 and form.excluded:
        return [_without_parts(form.excluded, entries[0])]
    if not kept:  # the words of the question found only the exceptions
        kept = [entry for entry in group.entries if not _is_exception(form, entry)]
    return kept


def _is_exception(form: QuestionForm, entry: Entry) -> bool:
    """Return whether an entry holds what the question excludes or denies."""
    text = " ".join([*entry.values, *(cell.header for cell in entry.cells)])
    if form.excluded:
        return share_of(form.excluded, text) == 1
    words = [word for word in segmentation.segment(form.denied) if word.strip() and word not in "的了"]
    return bool(words) and all(word.casefold() in text.casefold() for word in words)


def _without_parts(excluded: str, entry: Entry) -> Entry:
    cells = []
    for cell in entry.cells:
        parts = _PART.split(cell.value)
        kept = [part for part in parts if share_of(excluded, part) < 1]
        separator = "、" if "、" in cell.value else ", "
        cells.append(cell if len(kept) == len(parts) else Cell(cell.header, separator.join(kept)))
    return (
        replace(entry, row=replace(entry.row, cells=tuple(cell for cell in cells if cell.value)))
        if entry.row
        else entry
    )


def _is_short(group: EntryGroup) -> bool:
    return sum(len(entry.span.quote) for entry in group.entries) <= _SHORT_LIST


def _terms(entry: Entry) -> frozenset[str]:
    return name_terms(" ".join(entry.values)) | frozenset(tokenize(" ".join(entry.values)))


def _share(terms: Collection[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in terms) / total if total else 0.0
