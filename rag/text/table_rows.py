"""A table row, as the chunker writes it (`label › header: value › header: value`), as its cells."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.types import PATH_SEPARATOR

_HEADER = re.compile(r"(?P<header>[^:：]{1,80}): (?P<value>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with the header of its column; "" if the column has none."""

    header: str
    value: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of a row; `label` is the sentence above the table, or ""."""

    label: str
    cells: tuple[Cell, ...]


def read_rows(texts: Sequence[str], *, label: str = "") -> list[TableRow]:
    """Return the rows of one table, given as they are written, all with the same label if they have one.

    >>> read_rows(["Tools › Name: Ollama › Site: ollama.com", "Tools › Name: Dify"])[1]
    TableRow(label='Tools', cells=(Cell(header='Name', value='Dify'),))
    """
    rows = [[_cell(part) for part in text.split(PATH_SEPARATOR)] for text in texts]
    first = rows[0][0] if rows and rows[0] else Cell("", "")
    # A first cell without a header looks like a label, but no two rows of a table share it.
    is_labelled = not first.header and all(len(row) > 1 and row[0] == first for row in rows)
    if (is_labelled and len(rows) > 1) or (is_labelled and first.value == label):
        return [TableRow(first.value, tuple(row[1:])) for row in rows]
    return [TableRow(label, tuple(row)) for row in rows]


def column_headers(rows: Iterable[TableRow]) -> list[str]:
    """Return the headers of all columns in order; a row lacks those of its empty cells."""
    headers: list[str] = []
    for row in rows:
        position = 0
        for cell in row.cells:
            if cell.header in headers:
                position = headers.index(cell.header) + 1
            else:
                headers.insert(position, cell.header)
                position += 1
    return headers


def _cell(part: str) -> Cell:
    match = _HEADER.fullmatch(part)
    return Cell(match["header"], match["value"]) if match else Cell("", part)
