"""The slides of a PowerPoint file (.pptx) as paragraphs, tables and descriptions of pictures."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.readers.cleaned_text import clean_text
from ingest.readers.displayed_value import displayed_value
from ingest.readers.grid import GridCell, GridRow
from ingest.readers.optional_converters import conversion_error, import_converter

_MARGIN_PLACEHOLDERS = {"DATE", "FOOTER", "HEADER", "SLIDE_NUMBER"}


@dataclass(frozen=True, slots=True)
class SlideParagraph:
    """A paragraph of a text box; `level` is 0 for the outermost one of a list. A line break in it is a newline."""

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class SlideTable:
    """A table, or the data of a chart below its categories; the first row is the header."""

    rows: tuple[GridRow, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class SlidePicture:
    """The alternative text of a picture, chart or drawing."""

    alt: str


@dataclass(frozen=True, slots=True)
class Slide:
    """A slide; `number` (1-based) is that which PowerPoint shows. The title is not one of the blocks."""

    number: int
    title: str
    blocks: tuple[SlideParagraph | SlideTable | SlidePicture, ...]
    notes: tuple[SlideParagraph, ...]


def read_slides(source: str, content: bytes) -> Iterator[Slide]:
    """Yield the slides of a file that are shown, each with its blocks in the order in which a screen reader reads them.

    Page numbers, dates and footers of the layout are left out. Raises DocumentError if the converter is not installed
    or cannot read the file.
    """
    pptx = import_converter(source, "pptx")
    try:
        for number, slide in enumerate(pptx.Presentation(io.BytesIO(content)).slides, 1):
            if slide._element.get("show") in ("0", "false"):
                continue
            title = slide.shapes.title
            shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
            notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
            yield Slide(
                number=number,
                title=" ".join(_clean(title.text_frame.text).split()) if title is not None else "",
                blocks=tuple(_blocks(shapes)),
                notes=tuple(_paragraphs(notes)) if notes is not None else (),
            )
    except Exception as error:
        # Broken files raise errors of zip, XML and of missing parts.
        raise conversion_error(source, error) from error


def _blocks(shapes: Iterable[Any]) -> Iterator[SlideParagraph | SlideTable | SlidePicture]:
    for shape in shapes:
        if shape.is_placeholder and shape.placeholder_format.type.name in _MARGIN_PLACEHOLDERS:
            continue
        alt = _clean("".join(shape._element.xpath("./*/p:cNvPr/@descr")))
        if alt:
            yield SlidePicture(alt)
        if hasattr(shape, "shapes"):  # a group
            yield from _blocks(shape.shapes)
        elif shape.has_text_frame:
            yield from _paragraphs(shape.text_frame)
        elif getattr(shape, "has_table", False):
            yield SlideTable(tuple(_table_rows(shape.table)))
        elif getattr(shape, "has_chart", False):
            yield from _chart(shape.chart)


def _paragraphs(frame: Any) -> Iterator[SlideParagraph]:
    for paragraph in frame.paragraphs:
        if text := _clean(paragraph.text):
            yield SlideParagraph(text, paragraph.level)


def _table_rows(table: Any) -> Iterator[GridRow]:
    for number, row in enumerate(table.rows, 1):
        cells = (
            GridCell(text, column, cell.span_width, cell.span_height)
            for column, cell in enumerate(row.cells, 1)
            if not cell.is_spanned and (text := _clean(cell.text_frame.text))
        )
        yield GridRow(number, tuple(cells))


def _chart(chart: Any) -> Iterator[SlideTable]:
    title = _clean(chart.chart_title.text_frame.text) if chart.has_title and chart.chart_title.has_text_frame else ""
    for plot in chart.plots:
        rows = [["", *(one.name or "" for one in plot.series)]]
        values = [list(one.values) for one in plot.series]
        for index, category in enumerate(plot.categories):
            numbers = (one[index] if index < len(one) else None for one in values)
            rows.append([str(category), *(displayed_value(number, "General") for number in numbers)])
        if len(rows) > 1:
            yield SlideTable(tuple(_grid(rows)), title)


def _grid(rows: list[list[str]]) -> Iterator[GridRow]:
    for number, row in enumerate(rows, 1):
        cells = (GridCell(text, column) for column, cell in enumerate(row, 1) if (text := _clean(cell)))
        yield GridRow(number, tuple(cells))


def _clean(text: str) -> str:
    return clean_text(text.replace("\v", "\n")).strip()
