"""A quote from the documents: spans of one block of a passage."""

from dataclasses import dataclass

from rag.text.spans import BlockSpans, Span
from rag.text.table_rows import TableRow
from rag.types import Passage


@dataclass(frozen=True, slots=True)
class Quote:
    """Spans of one block of a passage, in reading order.

    `rows` are the cells of the spans if these are rows of a table. `lead` is the sentence that leads in to them, if the
    answer needs it. If `continues`, the marker of an earlier lead in the same passage holds for them. If `is_part`,
    they are the next part of the list, table or code that the quote before has. `left_out` is the number of items or
    rows after them that were too many. If `disputed`, another quote of the answer contradicts it. `heading` is the one
    above them if it tells a name that the answer needs.
    """

    passage: Passage
    block: BlockSpans
    spans: tuple[Span, ...]
    lead: Span | None = None
    rows: tuple[TableRow, ...] = ()
    continues: bool = False
    is_part: bool = False
    left_out: int = 0
    disputed: bool = False
    heading: str = ""
