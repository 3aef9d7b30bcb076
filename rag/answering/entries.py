"""Passages as their tables and lists, each with its rows or items in reading order, whole as far as they were read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.text.blocks import LIST_ITEM
from rag.text.likeness import name_terms
from rag.text.question_words import NUMBERS
from rag.text.spans import BlockSpans, Span, split_block_spans
from rag.text.table_rows import Cell, TableRow, column_headers, read_rows
from rag.types import Passage

_ORDINAL = re.compile(
    r"第(?P<number>[一二两三四五六七八九十\d]{1,3})\w{1,2}"
    r"|(?:step|stage|phase|layer|level|tier|item) (?P<counted>\d{1,2})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a table or, without a `row`, an item of a list, and where it stands."""

    passage: Passage
    block: BlockSpans
    span: Span
    row: TableRow | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of a row; none for an item."""
        return self.row.cells if self.row else ()

    @property
    def values(self) -> tuple[str, ...]:
        """The values of a row; of an item, its first line and the lines below it."""
        if self.cells:
            return tuple(cell.value for cell in self.cells)
        match = LIST_ITEM.match(self.span.quote.lstrip())
        first, *below = (match["text"] if match else self.span.quote).split("\n")
        return first, *(line.strip().lstrip("-*+ ") for line in below)


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """A table or a list. `label` is the sentence that leads in to it, `headers` are those of a table's columns."""

    entries: tuple[Entry, ...]
    label: str = ""
    headers: tuple[str, ...] = ()

    @property
    def passages(self) -> list[Passage]:
        """The passages that it was read from, each once."""
        return list({entry.passage.number: entry.passage for entry in self.entries}.values())

    @property
    def score(self) -> float:
        """The score of its best passage."""
        return max(entry.passage.hit.score for entry in self.entries)

    @property
    def is_table(self) -> bool:
        """Whether it is a table, and not a list."""
        return bool(self.entries[0].cells)

    @property
    def is_numbered(self) -> bool:
        """Whether it is a list of numbered items."""
        return not self.is_table and self.entries[0].span.quote.lstrip()[:1].isdecimal()

    @property
    def heading(self) -> str:
        """What is said of all entries: title and headings, label and the headers of the columns."""
        return " ".join([self.entries[0].passage.chunk.context, self.label, *self.headers])

    def common_terms(self) -> frozenset[str]:
        """Return the terms that do not tell its entries apart."""
        of_entries = [name_terms(" ".join(entry.values)) for entry in self.entries]
        shared = frozenset.intersection(*of_entries) if len(of_entries) > 1 else frozenset[str]()
        return shared | name_terms(self.heading)


def read_groups(passages: Sequence[Passage]) -> list[EntryGroup]:
    """Return the tables and lists of the passages, those of the best passages first."""
    rows: dict[str, list[Passage]] = {}
    lists: dict[str, list[Entry]] = {}
    groups: list[EntryGroup] = []
    for passage in passages:
        if passage.chunk.kind == "row":
            rows.setdefault(passage.chunk.group_key, []).append(passage)
            continue
        for number, block in enumerate(split_block_spans(passage.chunk)):
            if block.kind == "table" and block.head:
                groups.append(_table([(passage, block, span) for span in block.spans], block.lead))
            elif block.kind == "list":
                # The parts of a long list are passages of their own.
                key = passage.chunk.group_key if passage.chunk.kind == "list" else f"{passage.number} {number}"
                lists.setdefault(key, []).extend(Entry(passage, block, span) for span in block.spans)
    groups += [_table(list(_row_spans(group)), None) for group in rows.values()]
    groups += [_list(entries) for entries in lists.values()]
    return sorted(groups, key=lambda group: min(passage.number for passage in group.passages))


def ordinal(text: str) -> int:
    """Return the number in an ordinal such as 第四层 or "Layer 4"; 0 if there is none."""
    match = _ORDINAL.match(text.strip())
    written = (match["number"] or match["counted"]) if match else ""
    return int(written) if written.isdecimal() else NUMBERS.get(written, 0)


def _row_spans(passages: Sequence[Passage]) -> Iterator[tuple[Passage, BlockSpans, Span]]:
    for passage in sorted(passages, key=lambda passage: passage.chunk.position):
        (block,) = split_block_spans(passage.chunk)
        yield passage, block, block.spans[0]


def _table(spans: Sequence[tuple[Passage, BlockSpans, Span]], lead: Span | None) -> EntryGroup:
    rows = read_rows([span.text for _, _, span in spans], label=lead.text if lead else "")
    entries = [Entry(*place, row=row) for place, row in zip(spans, rows, strict=True)]
    return EntryGroup(tuple(entries), rows[0].label, tuple(column_headers(rows)))


def _list(entries: Sequence[Entry]) -> EntryGroup:
    lead = entries[0].block.lead
    return EntryGroup(tuple(entries), lead.text if lead else "")
