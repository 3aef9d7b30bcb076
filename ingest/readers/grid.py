"""Rows and cells of a table as a spreadsheet or a slide has them: sparse, with merged cells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell with text in `column` (1-based); merged with others, it spans `columns` to the right and `rows` down."""

    text: str
    column: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class GridRow:
    """The cells of a row that have text, from left to right; `number` (1-based) is that of the sheet or table."""

    number: int
    cells: tuple[GridCell, ...]
