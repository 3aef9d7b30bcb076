"""Both sides of a comparison: the rows of a table that has a column for each, or the entries for each."""

from collections.abc import Sequence

from rag.answering.entries import Entry, EntryGroup
from rag.retrieval.translated_words import translate_question
from rag.text.likeness import likeness, name_terms, share_of
from rag.text.question_form import QuestionForm

_MIN_COLUMN = 0.5
_MIN_ENTRY = 0.6
_MIN_ABOUT = 0.5


def compared_entries(form: QuestionForm, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return what the groups have for all sides that a question compares, in reading order; empty if a side lacks.

    With columns for the sides, it is every row, or those that the question is about. Else it is the entries that are
    most like each side, of one group if it has them.
    """
    columns = max((group for group in groups if group.is_table), key=lambda group: _columns(form, group), default=None)
    if columns and _columns(form, columns) >= _MIN_COLUMN:
        return _about(form, columns.entries)
    found = max(groups, key=lambda group: sum(_side(side, group.entries)[0] for side in form.sides), default=None)
    if found and all(_side(side, found.entries)[1] for side in form.sides):
        return _of_sides(form, found.entries)
    everywhere = [entry for group in groups for entry in group.entries]
    if all(_side(side, everywhere)[1] for side in form.sides):
        return _of_sides(form, everywhere)
    return []


def all_rows_of_two_columns(form: QuestionForm, groups: Sequence[EntryGroup]) -> list[Entry]:
    """Return the rows of the best group if it compares columns, as a table with an empty corner does.

    For sides in another language than the table, whose words cannot match.
    """
    best = groups[0] if groups else None
    is_comparison = best and best.is_table and best.headers[0] == "" and len(best.headers) > len(form.sides)
    return _about(form, best.entries) if best and is_comparison else []


def _columns(form: QuestionForm, group: EntryGroup) -> float:
    """Return how alike the side that has the worst column is to it; each side needs a column of its own.

    One side may be in another language than its column, if the table has no further columns.
    """
    best = [max(group.headers, key=lambda header: _alike(side, header), default="") for side in form.sides]
    alike = [_alike(side, header) for side, header in zip(form.sides, best, strict=True)]
    named = sum(score >= _MIN_COLUMN for score in alike)
    if group.headers[:1] == ("",) and len(group.headers) == len(form.sides) + 1 and named == len(form.sides) - 1:
        return max(alike)  # the one column that is left is the other side, in another language
    return min(alike) if len(set(best)) == len(form.sides) else 0.0


def _alike(side: str, header: str) -> float:
    """Return how alike a side is to the header of a column, which may be a translation of it: 大模型, LLM."""
    words = translate_question(side)
    translations = words[0].translations if len(words) == 1 else ()
    return max(likeness(name, [header]) for name in (side, *translations))


def _about(form: QuestionForm, rows: Sequence[Entry]) -> list[Entry]:
    wanted = [row for row in rows if form.about and share_of(form.about, row.values[0]) >= _MIN_ABOUT]
    return wanted or list(rows)


def _side(side: str, entries: Sequence[Entry]) -> tuple[float, list[Entry]]:
    """Return how alike a side is to the entries that are most like it, and these; none if they are too unlike."""
    scores = [likeness(side, entry.values) * _says_more(side, entry) for entry in entries]
    best = max(scores, default=0.0)
    if best < _MIN_ENTRY:
        return 0.0, []
    return best, [entry for entry, score in zip(entries, scores, strict=True) if score == best]


def _says_more(side: str, entry: Entry) -> bool:
    """Return whether an entry is more than the name of the side."""
    return not name_terms(" ".join(entry.values)) <= name_terms(side)


def _of_sides(form: QuestionForm, entries: Sequence[Entry]) -> list[Entry]:
    chosen = [id(entry) for side in form.sides for entry in _side(side, entries)[1]]
    return [entry for entry in entries if id(entry) in chosen]
