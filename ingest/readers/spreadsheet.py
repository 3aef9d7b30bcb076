"""The sheets of an Excel file (.xlsx) as rows of text."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.readers.cleaned_text import clean_text
from ingest.readers.displayed_value import displayed_value
from ingest.readers.grid import GridCell, GridRow
from ingest.readers.optional_converters import conversion_error, import_converter

_TRUE = ("1", "true")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A visible sheet with its visible rows that have text. Row numbers and columns are those that Excel shows."""

    name: str
    rows: tuple[GridRow, ...]


def read_sheets(source: str, content: bytes) -> Iterator[Sheet]:
    """Yield the visible sheets of a file, in its order; hidden rows and columns are left out.

    Texts are as the sheet shows them, dates in ISO form; a formula is its value when the file was saved. The value of
    merged cells is in the first of them. Raises DocumentError if the converter is not installed or cannot read it.
    """
    openpyxl = import_converter(source, "openpyxl")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of parts of a file that it does not know
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheets = [Sheet(clean_text(one.title), _rows(one)) for one in workbook if one.sheet_state == "visible"]
    except Exception as error:
        # Broken files raise errors of zip, XML and of any conversion of a value.
        raise conversion_error(source, error) from error
    yield from sheets


def _rows(sheet: Any) -> tuple[GridRow, ...]:
    parser = _parser(sheet)
    cells = [cell for _, row in parser.parse() for cell in row if cell["value"] is not None]
    spans = (
        {(one.min_row, one.min_col): one.size for one in parser.merged_cells.mergeCell} if parser.merged_cells else {}
    )
    hidden_rows = {int(number) for number, row in parser.row_dimensions.items() if row.get("hidden") in _TRUE}
    hidden_columns = [
        range(int(one["min"]), int(one["max"]) + 1)
        for one in parser.column_dimensions.values()
        if one.get("hidden") in _TRUE
    ]
    rows: dict[int, list[GridCell]] = {}
    for cell in cells:
        row, column = cell["row"], cell["column"]
        if row in hidden_rows or any(column in columns for columns in hidden_columns):
            continue
        text = clean_text(displayed_value(cell["value"], _number_format(sheet, cell))).strip()
        if text:
            span = spans.get((row, column), {"columns": 1, "rows": 1})
            rows.setdefault(row, []).append(GridCell(text, column, span["columns"], span["rows"]))
    return tuple(GridRow(number, tuple(sorted(rows[number], key=lambda cell: cell.column))) for number in sorted(rows))


def _parser(sheet: Any) -> Any:
    """Return openpyxl's parser of a sheet, which both its modes are built on.

    Its read-only mode knows neither merged nor hidden cells. The other one makes an object for each cell of a merged
    range or link, also the empty ones: up to 17 billion.
    """
    # Imported here, as the package itself: it belongs to an extra.
    from openpyxl.worksheet._reader import WorkSheetParser  # noqa: PLC0415

    book = sheet.parent
    return WorkSheetParser(
        sheet._get_source(),
        sheet._shared_strings,
        data_only=True,
        epoch=book.epoch,
        date_formats=book._date_formats,
        timedelta_formats=book._timedelta_formats,
    )


def _number_format(sheet: Any, cell: dict[str, Any]) -> str:
    from openpyxl.cell.read_only import ReadOnlyCell  # noqa: PLC0415

    return str(ReadOnlyCell(sheet, **cell).number_format)
