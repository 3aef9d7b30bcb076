"""Sheets are read as they are shown, sparsely, and with the row numbers that Excel shows."""

import datetime
from collections.abc import Callable

import openpyxl
import pytest
from openpyxl.chart import BarChart
from openpyxl.worksheet.worksheet import Worksheet

from ingest.readers.grid import GridCell, GridRow
from ingest.readers.spreadsheet import Sheet, read_sheets
from rag.errors import DocumentError
from tests.kit.excel_files import replaced, saved


def xlsx(fill: Callable[[Worksheet], object], title: str = "报价") -> bytes:
    """A file with one sheet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    fill(sheet)
    return saved(workbook)


def rows_of(content: bytes) -> list[tuple[int, list[str]]]:
    """The number and the texts of each row of the only sheet."""
    [sheet] = read_sheets("a.xlsx", content)
    return [(row.number, [cell.text for cell in row.cells]) for row in sheet.rows]


def test_a_sheet_is_read_as_it_is_shown() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["型号", "编号", "单价", "折扣", "上市", "有货"])
        sheet.append(["X-1", "00123", 1234.5, 0.15, datetime.date(2024, 1, 5), True])
        sheet["C2"].number_format = '#,##0.00" 元"'
        sheet["D2"].number_format = "0%"

    assert rows_of(xlsx(fill)) == [
        (1, ["型号", "编号", "单价", "折扣", "上市", "有货"]),
        (2, ["X-1", "00123", "1,234.50 元", "15%", "2024-01-05", "TRUE"]),
    ]


def test_merged_cells_have_their_value_in_the_first_and_their_span() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["B2"] = "华东"
        sheet.merge_cells("B2:C4")
        sheet["D2"] = "上海"

    [sheet] = read_sheets("a.xlsx", xlsx(fill))
    assert sheet == Sheet("报价", (GridRow(2, (GridCell("华东", 2, columns=2, rows=3), GridCell("上海", 4))),))


def test_hidden_sheets_rows_and_columns_are_left_out() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in range(1, 4):
        sheet.append([f"{column}{row}" for column in "ABCDE"])
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions.group("B", "C", hidden=True)
    workbook.create_sheet("草稿").sheet_state = "hidden"
    workbook.create_sheet("内部").sheet_state = "veryHidden"
    assert rows_of(saved(workbook)) == [(1, ["A1", "D1", "E1"]), (3, ["A3", "D3", "E3"])]


def test_sheets_come_in_their_order_with_their_names() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "一月"
    workbook.create_sheet("二月")["A1"] = "x"
    workbook.create_chartsheet("图").add_chart(BarChart())
    assert [(sheet.name, len(sheet.rows)) for sheet in read_sheets("a.xlsx", saved(workbook))] == [
        ("一月", 0),
        ("二月", 1),
    ]


def test_a_formula_is_the_value_that_was_saved() -> None:
    content = xlsx(lambda sheet: sheet.append(["=1+1", "合计"]))
    assert rows_of(content) == [(1, ["合计"])]
    assert rows_of(replaced(content, b"<v></v>", b"<v>2</v>")) == [(1, ["2", "合计"])]


@pytest.mark.timeout(30)
def test_empty_ranges_are_not_walked() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = "first"
        sheet["XFD1048576"] = "last"

    assert rows_of(xlsx(fill)) == [(1, ["first"]), (1048576, ["last"])]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("area", ["A1:A1048576", "A1:XFD1048576"])
def test_merged_cells_and_links_of_a_whole_sheet_are_not_walked(area: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["a", "b"])
        sheet.merge_cells("A1:A2")
        sheet["B1"].hyperlink = "https://example.com"

    content = replaced(xlsx(fill), b'mergeCell ref="A1:A2"', f'mergeCell ref="{area}"'.encode())
    content = replaced(content, b' ref="B1"', f' ref="{area}"'.encode())
    assert rows_of(content) == [(1, ["a", "b"])]


@pytest.mark.timeout(30)
def test_a_wrong_dimension_does_not_count() -> None:
    content = xlsx(lambda sheet: sheet.append(["a", "b"]))
    assert rows_of(replaced(content, b'ref="A1:B1"', b'ref="A1:XFD1048576"')) == [(1, ["a", "b"])]
    assert rows_of(replaced(content, b'ref="A1:B1"', b'ref="A1"')) == [(1, ["a", "b"])]


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", b"\xd0\xcf\x11\xe0 an old or encrypted file"])
def test_a_file_that_is_none_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^a\.xlsx: cannot be converted: "):
        list(read_sheets("a.xlsx", content))


def test_texts_are_cleaned() -> None:
    assert rows_of(xlsx(lambda sheet: sheet.append(["a\u200bb", " 两\n行 ", "   "]))) == [(1, ["ab", "两\n行"])]
