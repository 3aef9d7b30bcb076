"""Answer without a chat model: quote the sentences, list items, table rows or code that answer the question."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rag.answering.asked_names import of_same_sections, passages_with_names
from rag.answering.best_spans import best_quotes, score_spans
from rag.answering.contradictions import add_contradictions
from rag.answering.entries import Entry, EntryGroup, read_groups
from rag.answering.entry_selection import select_entries
from rag.answering.matching import Matcher
from rag.answering.quotes import Quote
from rag.answering.telling_headings import with_telling_headings
from rag.retrieval.evidence import Evidence
from rag.text.likeness import likeness
from rag.text.question_form import QuestionForm, read_form
from rag.text.question_words import COLUMN_FORMS
from rag.text.spans import Span, split_block_spans
from rag.text.table_rows import Cell, TableRow
from rag.types import Passage

EXTRACTIVE = "extractive"
"""The `model` of an answer that is quoted from the documents."""

MAX_ITEMS = 30
"""The most items of one list, and rows of one table, that an answer quotes."""
_MIN_COLUMN = 0.6


@dataclass(frozen=True, slots=True)
class ChosenQuotes:
    """Quotes in the order of the passages' numbers. `is_exact`: the form of the question found them, not a likeness."""

    quotes: tuple[Quote, ...]
    is_exact: bool = False


def choose_quotes(evidence: Evidence) -> ChosenQuotes:
    """Return what answers the question: the rows or items that its form asks for, else what matches it best.

    At most `MAX_ITEMS` items of each list; none without passages.
    """
    form = read_form(evidence.question)
    matcher, named = Matcher(evidence), passages_with_names(form, evidence)
    scored = score_spans(named, matcher)
    if not scored:
        return ChosenQuotes(())
    groups = read_groups(evidence.passages)
    # A list of something else may match the other words better; the two sides of a comparison may stand apart.
    of_names = groups if form.sides else read_groups(of_same_sections(named, evidence.passages))
    selected = select_entries(form, of_names, evidence)
    quotes = list(_entry_quotes(selected.entries))
    if not quotes or selected.is_unsure:
        quotes[:0] = _without_repetition(best_quotes(scored, evidence.passages, matcher), quotes)
    kept = add_contradictions(_without_excess(_without_repeated_leads(quotes)), evidence)
    complete = list(_each_row_once(_with_rows(form, kept, groups)))
    return ChosenQuotes(tuple(with_telling_headings(complete, evidence.question)), selected.is_exact)


def _without_repetition(quotes: Sequence[Quote], said: Sequence[Quote]) -> list[Quote]:
    """Return the quotes without the spans and leads that are said anyway."""
    starts = {(quote.passage.number, span.start) for quote in said for span in (*quote.spans, quote.lead) if span}
    kept = []
    for quote in quotes:
        spans = tuple(span for span in quote.spans if (quote.passage.number, span.start) not in starts)
        kept += [replace(quote, spans=spans)] if spans else []
    return kept


def _entry_quotes(entries: Sequence[Entry]) -> Iterator[Quote]:
    ordered = sorted(entries, key=lambda entry: (entry.passage.number, entry.span.start))
    for _, found in groupby(ordered, key=lambda entry: (entry.passage.number, entry.block.spans[0].start)):
        first, *others = found
        rows = tuple(entry.row for entry in (first, *others) if entry.row)
        spans = tuple(entry.span for entry in (first, *others))
        lead = first.block.lead if first.block.kind == "list" and spans == first.block.spans else None
        yield Quote(first.passage, first.block, spans, lead, rows)
        yield from _code_of_items(first.passage, spans)


def _code_of_items(passage: Passage, items: Sequence[Span]) -> Iterator[Quote]:
    """Yield the code that items of a list lead in to: it is a part of the step."""
    starts = {item.start for item in items}
    for block in split_block_spans(passage.chunk):
        if block.kind == "code" and block.lead and block.lead.start in starts:
            yield Quote(passage, block, block.spans, continues=True)


def _with_rows(form: QuestionForm, quotes: Sequence[Quote], groups: Sequence[EntryGroup]) -> list[Quote]:
    """Return the quotes, those of table rows with the cells of each row, the one that is asked for first."""
    row_of = {
        (entry.passage.number, entry.span.start): entry.row for group in groups for entry in group.entries if entry.row
    }
    completed = []
    for quote in quotes:
        rows = quote.rows or tuple(
            row for span in quote.spans if (row := row_of.get((quote.passage.number, span.start)))
        )
        completed.append(replace(quote, rows=tuple(_asked_first(form, row) for row in rows)))
    return completed


def _each_row_once(quotes: Sequence[Quote]) -> Iterator[Quote]:
    """Yield the quotes without rows that stand in an earlier one: a row is a passage, and so is its table."""
    told: set[tuple[str, frozenset[Cell]]] = set()
    for quote in quotes:
        if len(quote.rows) != len(quote.spans):
            yield quote
            continue
        table = quote.passage.chunk.group_key
        new = [
            (span, row)
            for span, row in zip(quote.spans, quote.rows, strict=True)
            if (table, frozenset(row.cells)) not in told
        ]
        told.update((table, frozenset(row.cells)) for row in quote.rows)
        if new:
            spans, rows = zip(*new, strict=True)
            yield replace(quote, spans=spans, rows=rows)


def _asked_first(form: QuestionForm, row: TableRow) -> TableRow:
    """Return the row with the cell first that answers "which layer" or "which company"."""
    names = [form.column, *COLUMN_FORMS.get(form.column, ())] if form.column else []
    asked = [cell for cell in row.cells if any(likeness(name, [cell.header]) >= _MIN_COLUMN for name in names)]
    return replace(row, cells=(*asked, *(cell for cell in row.cells if cell not in asked))) if asked else row


def _without_repeated_leads(quotes: Sequence[Quote]) -> Iterator[Quote]:
    """Yield the quotes, a lead-in that stands above each part of a long list only with the first part."""
    before: Quote | None = None
    for quote in quotes:
        is_same = before and before.lead and quote.lead and before.lead.quote == quote.lead.quote
        is_part = is_same and before and before.passage.chunk.group_key == quote.passage.chunk.group_key
        yield replace(quote, lead=None, is_part=True) if is_part else quote
        before = before if is_part else quote


def _without_excess(quotes: Iterator[Quote]) -> list[Quote]:
    kept: list[Quote] = []
    taken = Counter[tuple[str, int]]()
    for quote in quotes:
        if quote.block.kind not in ("list", "table"):
            kept.append(quote)
            continue
        # Each row of a table may be a passage of its own.
        chunk = quote.passage.chunk
        key = (chunk.group_key, -1 if chunk.kind == "row" else quote.block.spans[0].start)
        spans = quote.spans[: MAX_ITEMS - taken[key]]
        taken[key] += len(spans)
        if spans:
            kept.append(replace(quote, spans=spans))
        kept[-1] = replace(kept[-1], left_out=kept[-1].left_out + len(quote.spans) - len(spans))
    return kept
