"""Rows and cells of a table as a spreadsheet or a slide has them: sparse, with merged cells."""

from dataclasses import dataclass

from rag.errors import DocumentError

_MAX_ADDED_CELLS = 2_000_000


def check_added_cells(count: int) -> None:
    """Raise DocumentError if merged, repeated and missing cells make a table of a few bytes too large."""
    if count > _MAX_ADDED_CELLS:
        raise DocumentError(f"a table has more than {_MAX_ADDED_CELLS:,} cells that the file only implies")


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
