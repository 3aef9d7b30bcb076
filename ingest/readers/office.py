"""The readers of Excel and PowerPoint files. Their lines are rows of the sheet, and slides."""

from collections.abc import Iterator, Sequence

from ingest.markup.builder import TreeBuilder
from ingest.readers.document import Document
from ingest.readers.grid import GridCell, GridRow, check_added_cells
from ingest.readers.presentation import Slide, SlideParagraph, SlidePicture, SlideTable, read_slides
from ingest.readers.spreadsheet import read_sheets

_MAX_SPAN = 1000


def read_excel(source: str, content: bytes) -> Document:
    """Return each sheet of an Excel file as a section with a table. Its lines are the rows of the sheet.

    Rows of a single cell above the table are text. Raises DocumentError if the converter is not installed or cannot
    read the file.
    """
    tree = TreeBuilder()
    for sheet in read_sheets(source, content):
        if sheet.rows:
            tree.heading(sheet.name, sheet.rows[0].number, level=2)
        titles = _rows_of_one_cell(sheet.rows)
        for row in titles:
            tree.paragraph(row.cells[0].text, row.number)
        _add_table(tree, sheet.rows[len(titles) :], [row.number for row in sheet.rows[len(titles) :]])
    return Document(source, "", tree.root)


def read_powerpoint(source: str, content: bytes) -> Document:
    """Return each slide of a PowerPoint file as a section. Its lines are the slides. Raises as `read_excel`."""
    tree = TreeBuilder()
    for slide in read_slides(source, content):
        tree.heading(slide.title or f"{slide.number}", slide.number, level=2)
        for part in _with_lists(slide):
            if isinstance(part, SlideTable):
                if part.title:
                    tree.label(part.title, slide.number)
                _add_table(tree, part.rows, [slide.number] * len(part.rows))
            elif isinstance(part, SlidePicture):
                tree.paragraph(part.alt, slide.number)
            else:
                _add_list(tree, part, slide.number)
        for note in slide.notes:
            tree.paragraph(note.text, slide.number)
    return Document(source, "", tree.root)


def _rows_of_one_cell(rows: Sequence[GridRow]) -> Sequence[GridRow]:
    """Return the rows above a table that have one cell, although the table has several columns."""
    first = next((number for number, row in enumerate(rows) if len(row.cells) > 1), 0)
    return rows[:first]


def _add_table(tree: TreeBuilder, rows: Sequence[GridRow], lines: Sequence[int]) -> None:
    if not rows:
        return
    first_column = min(cell.column for row in rows for cell in row.cells)
    last_row = rows[-1].number
    covered: dict[int, set[int]] = {}  # row → the columns that cells above it reach down to
    check_added_cells(_count_added_cells(rows, first_column, last_row))
    tree.open("table", lines[0], lines[-1])
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        tree.open("tr", line)
        column = first_column
        for cell in row.cells:
            for between in range(column, cell.column):
                if between not in covered.get(row.number, ()):
                    tree.open("th" if number == 0 else "td", line)
                    tree.close()
            down, across = _extent(cell, row, last_row)
            spans = {"rowspan": str(down), "colspan": str(across)}
            tree.open("th" if number == 0 else "td", line, attributes=spans)
            tree.text(cell.text, line)
            tree.close()
            column = cell.column + across
            for below in range(row.number + 1, row.number + down):
                covered.setdefault(below, set()).update(range(cell.column, column))
        tree.close()
    tree.close()


def _extent(cell: GridCell, row: GridRow, last_row: int) -> tuple[int, int]:
    """Return how many rows down and columns across a cell of the table reaches."""
    return min(cell.rows, last_row - row.number + 1), min(cell.columns, _MAX_SPAN)


def _count_added_cells(rows: Sequence[GridRow], first_column: int, last_row: int) -> int:
    """Return how many cells between and below those of the file `_add_table` makes or keeps count of, at most."""
    added = 0
    for row in rows:
        column = first_column
        for cell in row.cells:
            down, across = _extent(cell, row, last_row)
            added += max(cell.column - column, 0) + down * across - 1
            column = cell.column + across
    return added


def _with_lists(slide: Slide) -> Iterator[list[SlideParagraph] | SlideTable | SlidePicture]:
    """Yield the blocks of a slide, with successive paragraphs together."""
    paragraphs: list[SlideParagraph] = []
    for block in slide.blocks:
        if isinstance(block, SlideParagraph):
            paragraphs.append(block)
            continue
        if paragraphs:
            yield paragraphs
        paragraphs = []
        yield block
    if paragraphs:
        yield paragraphs


def _add_list(tree: TreeBuilder, paragraphs: Sequence[SlideParagraph], line: int) -> None:
    """Add paragraphs as a list, those of a deeper level below the one before."""
    if len(paragraphs) == 1:
        tree.paragraph(paragraphs[0].text, line)
        return
    depth = -1
    for paragraph in paragraphs:
        level = min(paragraph.level, depth + 1)
        if level > depth:
            tree.open("ul", line)
        for _ in range(level, depth):
            tree.close()  # the item
            tree.close()  # its list
        if level <= depth:
            tree.close()
        depth = level
        tree.open("li", line)
        tree.text(paragraph.text, line)
    for _ in range(2 * (depth + 1)):
        tree.close()
