"""Slides keep their number, title, levels, tables, charts, alternative texts and notes."""

import io
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from ingest.readers.grid import GridCell, GridRow
from ingest.readers.presentation import Slide, SlideParagraph, SlidePicture, SlideTable, read_slides
from rag.errors import DocumentError

TITLE_AND_CONTENT, TITLE_ONLY, BLANK = 1, 5, 6
AREA = (Cm(1), Cm(1), Cm(10), Cm(5))


def slides_of(presentation: Any) -> list[Slide]:
    file = io.BytesIO()
    presentation.save(file)
    return list(read_slides("a.pptx", file.getvalue()))


def new_slide(presentation: Any, layout: int = BLANK) -> Any:
    return presentation.slides.add_slide(presentation.slide_layouts[layout])


def test_a_slide_has_its_title_its_list_and_its_notes() -> None:
    presentation = pptx.Presentation()
    slide = new_slide(presentation, TITLE_AND_CONTENT)
    slide.shapes.title.text = "入厂\v须知"
    frame = slide.placeholders[1].text_frame
    frame.text = "携带以下材料："
    for text in ("身份证", "照片\v两张"):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, 1
    frame.add_paragraph()
    slide.notes_slide.notes_text_frame.text = "提醒：\n照片要彩色。"
    assert slides_of(presentation) == [
        Slide(
            number=1,
            title="入厂 须知",
            blocks=(
                SlideParagraph("携带以下材料：", 0),
                SlideParagraph("身份证", 1),
                SlideParagraph("照片\n两张", 1),
            ),
            notes=(SlideParagraph("提醒：", 0), SlideParagraph("照片要彩色。", 0)),
        )
    ]


def test_a_table_has_its_rows_and_merged_cells() -> None:
    presentation = pptx.Presentation()
    table = new_slide(presentation).shapes.add_table(3, 3, *AREA).table
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(1, 2).text = ""
    table.cell(0, 0).merge(table.cell(1, 1))
    [slide] = slides_of(presentation)
    [block] = slide.blocks
    assert isinstance(block, SlideTable)
    assert block.rows[0].cells[0].columns == 2
    assert block.rows[0].cells[0].rows == 2
    assert [[cell.column for cell in row.cells] for row in block.rows] == [[1, 3], [], [1, 2, 3]]


def test_a_chart_is_a_table_of_its_values() -> None:
    data = CategoryChartData()
    data.categories = ["一季度", "二季度"]
    data.add_series("华东", (1.5, 2))
    data.add_series("华北", (3, None))
    presentation = pptx.Presentation()
    chart = new_slide(presentation).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *AREA, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "销量"
    [slide] = slides_of(presentation)
    assert slide.blocks == (
        SlideTable(
            (
                GridRow(1, (GridCell("华东", 2), GridCell("华北", 3))),
                GridRow(2, (GridCell("一季度", 1), GridCell("1.5", 2), GridCell("3", 3))),
                GridRow(3, (GridCell("二季度", 1), GridCell("2", 2))),
            ),
            "销量",
        ),
    )


def test_groups_and_alternative_texts_are_read_in_order() -> None:
    presentation = pptx.Presentation()
    shapes = new_slide(presentation).shapes
    shapes.add_textbox(*AREA).text_frame.text = "前"
    group = shapes.add_group_shape()
    group.shapes.add_textbox(*AREA).text_frame.text = "组内"
    group._element.nvGrpSpPr.cNvPr.set("descr", "一张流程图")
    shapes.add_textbox(*AREA).text_frame.text = "后"
    [slide] = slides_of(presentation)
    assert slide.blocks == (
        SlideParagraph("前", 0),
        SlidePicture("一张流程图"),
        SlideParagraph("组内", 0),
        SlideParagraph("后", 0),
    )
    assert (slide.title, slide.notes) == ("", ())


def test_hidden_slides_and_page_numbers_are_left_out() -> None:
    presentation = pptx.Presentation()
    for text in ("一", "二", "三"):
        slide = new_slide(presentation, TITLE_ONLY)
        slide.shapes.title.text = text
        number = next(
            one for one in slide.slide_layout.placeholders if one.placeholder_format.type.name == "SLIDE_NUMBER"
        )
        slide.shapes.clone_placeholder(number)
        next(
            one for one in slide.placeholders if one.placeholder_format.idx == number.placeholder_format.idx
        ).text = "7"
    presentation.slides[1]._element.set("show", "0")
    assert [(slide.number, slide.title, slide.blocks) for slide in slides_of(presentation)] == [
        (1, "一", ()),
        (3, "三", ()),
    ]


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", b"\xd0\xcf\x11\xe0 an old or encrypted file"])
def test_a_file_that_is_none_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^a\.pptx: cannot be converted: "):
        list(read_slides("a.pptx", content))
