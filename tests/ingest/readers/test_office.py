"""Excel and PowerPoint files: sheets and slides are sections, and citations point at rows and slides."""

import io

import openpyxl
import pptx
import pytest
from pptx.util import Inches

from ingest.readers.office import read_excel
from rag.errors import DocumentError
from tests.kit.conversion import chunks_of
from tests.kit.excel_files import replaced, saved


def workbook(*rows: tuple[object, ...], merged: str = "") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "预算"
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    return saved(book)


def test_each_row_of_a_sheet_knows_its_column_names_and_its_row() -> None:
    content = workbook(("2024 年预算", None), ("部门", "金额"), ("研发部", 100), ("市场部", 200))
    chunks = chunks_of("a.xlsx", content)
    assert [(chunk.content, chunk.start_line) for chunk in chunks if chunk.kind == "row"] == [
        ("部门: 研发部 › 金额: 100", 3),
        ("部门: 市场部 › 金额: 200", 4),
    ]
    assert chunks[0].content == "2024 年预算"
    assert {chunk.heading_path for chunk in chunks} == {("预算",)}


def test_merged_cells_stay_in_their_columns() -> None:
    content = workbook(("库区", "货架", "容量"), ("东区", "A1", 500), (None, "A2", 700), merged="A2:A3")
    rows = [chunk.content for chunk in chunks_of("a.xlsx", content) if chunk.kind == "row"]
    assert rows == ["库区: 东区 › 货架: A1 › 容量: 500", "库区: 东区 › 货架: A2 › 容量: 700"]


def test_cells_that_a_sheet_only_implies_are_counted_before_they_are_made() -> None:
    merged = with_merged_range(workbook(*[("a", "b")] * 2100), "A1:ALL2100")  # 1,000 columns
    far_apart = openpyxl.Workbook()
    for row in range(1, 131):
        far_apart.active.cell(row, 1, "a")
        far_apart.active.cell(row, 16_000, "b")
    for content in (merged, saved(far_apart)):
        with pytest.raises(DocumentError, match="cells that the file only implies"):
            read_excel("a.xlsx", content)


def with_merged_range(content: bytes, merged: str) -> bytes:
    """openpyxl would make each of the cells."""
    ranges = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>'.encode()
    return replaced(content, b"</sheetData>", b"</sheetData>" + ranges)


def test_a_slide_is_a_section_with_its_list_its_table_and_its_notes() -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "上线计划"
    frame = slide.placeholders[1].text_frame
    frame.text = "准备"
    deeper = frame.add_paragraph()
    deeper.text, deeper.level = "备份", 1
    frame.add_paragraph().text = "切换"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for row, texts in enumerate((("环境", "时间"), ("生产", "周五"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    slide.notes_slide.notes_text_frame.text = "先通知客服。"
    file = io.BytesIO()
    show.save(file)
    chunks = chunks_of("a.pptx", file.getvalue())
    text = "\n".join(chunk.content for chunk in chunks)
    assert "- 准备\n  - 备份\n- 切换" in text
    assert "环境: 生产 › 时间: 周五" in text
    assert "先通知客服。" in text
    assert {(chunk.heading_path, chunk.start_line) for chunk in chunks} == {(("上线计划",), 1)}
