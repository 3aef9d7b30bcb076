"""Cells of a table that are blank because they mean "as above".

They do so only in grouping columns: from the left on, a column in which a value begins a group of rows. Its values are
names, each in one run of rows; where it is blank, the row goes on to the right. A column whose cells mark a single row,
such as one of ticks, is none (`table_marks`), and a row of totals belongs to no group (`table_totals`).
"""

from collections.abc import Iterator, Sequence

from ingest.chunking.table_marks import is_of_marks
from ingest.chunking.table_totals import rows_of_no_group

_Cells = tuple[str, ...]


def with_groups(headers: Sequence[str], rows: Sequence[_Cells]) -> Iterator[_Cells]:
    """Yield the cells of each row, with the values of grouping columns in every row of the group."""
    left_out = rows_of_no_group(rows)
    columns = _grouping_columns(headers, [cells for number, cells in enumerate(rows) if number not in left_out])
    above: _Cells = ()
    for number, row in enumerate(rows):
        cells = list(row)
        if columns and number not in left_out:
            if above and not cells[0] and _starts_anew(cells[len(columns)], above[len(columns)]):
                above = ()
            for column in columns:
                if cells[column]:
                    break  # a new group: nothing right of it is as above
                cells[column] = above[column] if above else ""
            above = tuple(cells) if cells[0] else ()
        yield tuple(cells)


def _grouping_columns(headers: Sequence[str], rows: Sequence[_Cells]) -> list[int]:
    """Return the columns at the left that name groups of rows."""
    columns: list[int] = []
    for column in range(len(rows[0]) - 1 if rows else 0):
        names = [cells[column] for cells in rows if cells[column]]
        # Within a group of the column before, each name has one run of rows.
        seen: set[tuple[str, str]] = set()
        group = ""
        is_repeated = False
        for cells in rows:
            group = cells[column - 1] or group if column else ""
            is_repeated = is_repeated or (bool(cells[column]) and (group, cells[column]) in seen)
            seen.add((group, cells[column]))
        goes_on = all(any(cells[column + 1 :]) for cells in rows if not cells[column])
        is_filled = len(names) == len(rows)
        if is_repeated or not goes_on or not rows[0][column] or is_filled or is_of_marks(headers[column], names):
            break
        columns.append(column)
    return columns


def _starts_anew(cell: str, above: str) -> bool:
    """Return whether a numbering begins again, which no group does in its middle."""
    return cell.isdecimal() and above.isdecimal() and int(cell) <= int(above)
