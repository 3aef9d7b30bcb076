"""A table as rows that can be read alone, with header names, and with cells that mean "as above" filled from above.

A blank cell means "as above" only in grouping columns: from the left on, a column in which a value begins a group of
rows. Its values are names, each in one run of rows; where it is blank, the row goes on to the right. A column of ticks,
dates, images or amounts is none, and a row of totals belongs to no group.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.chunking.inline_text import inline_text
from ingest.markup.tree import Element
from ingest.readers.grid import check_added_cells
from rag.text.cjk import has_han
from rag.types import PATH_SEPARATOR

_MAX_SPAN = 1000
_TOTAL = re.compile(
    r"\W*(?:[合小总共累]\s*计|总[和数]|汇\s*总|平均|均值|余额"
    r"|(?:(?:sub|grand[ -]?)?total|sum|average|mean|balance)(?![A-Za-z]))",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"[\W_]*\Z"  # ticks, dashes, images without a description
    r"|(?:yes|no|y|n|x|true|false|是|否|有|无|√|必填|可选|optional|required)\Z"
    r"|[\d\s.,:/年月日时分秒%￥$€£+\-–—~～元万亿]+\Z"  # dates, times and amounts
    r"|\d{1,4}[-/.年]\d{1,2}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `cells` has one text for each header; a blank cell that means "as above" has the value from above."""

    headers: tuple[str, ...]
    cells: tuple[str, ...]
    line: int

    def fields(self) -> list[str]:
        """Return `header: value` for each cell that is not blank."""
        pairs = zip(self.headers, self.cells, strict=True)
        return [f"{header}: {cell}" if header else cell for header, cell in pairs if cell]

    def as_text(self) -> str:
        """Return the row as one text: `层级: 第一层 › 内容: 向量数据库 › 知名组件: Milvus`."""
        return PATH_SEPARATOR.join(self.fields())

    def as_markdown(self) -> str:
        """Return the row as a line of a Markdown table."""
        return _markdown_row(self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """Headers and rows; a row without any text is left out. `caption` is the table's own."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str = ""

    def head_as_markdown(self) -> str:
        """Return the headers and the ruler below them as Markdown."""
        return f"{_markdown_row(self.headers)}\n|{'---|' * len(self.headers)}"


def read_table(table: Element) -> Table:
    """Return the rows of a `<table>`, each cell in its column whatever `rowspan` and `colspan` there are.

    Raises DocumentError if these make it too large.
    """
    grid = list(_grid(table))
    width = max((len(cells) for cells, _, _ in grid), default=0)
    check_added_cells(width * len(grid) - sum(len(cells) for cells, _, _ in grid))
    heads = 0
    while heads < len(grid) and grid[heads][2]:
        heads += 1
    headers = _headers([cells for cells, _, _ in grid[:heads]], width)
    rows = [Row(headers, (*cells, *[""] * (width - len(cells))), line) for cells, line, _ in grid[heads:] if any(cells)]
    caption = next((" ".join(inline_text(each.children).split()) for each in table.elements("caption")), "")
    return Table(headers, tuple(_with_groups(rows)), caption)


def _headers(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Return one name for each column; of several rows of headers, the names that stand above it."""
    columns = [[row[column] for row in rows if column < len(row)] for column in range(width)]
    return tuple(" ".join(" ".join(dict.fromkeys(filter(None, names))).split()) for names in columns)


def _grid(table: Element) -> Iterator[tuple[list[str], int, bool]]:
    """Yield the cells of each row, its line, and whether it is one of headers."""
    spanning: dict[int, tuple[int, str]] = {}  # column → how many more rows its cell reaches down to, and its text
    added = 0
    has_body = False
    for row, is_in_head in _rows(table):
        cells: list[str] = []
        elements = [cell for cell in row.children if isinstance(cell, Element) and cell.name in ("td", "th")]
        for before, cell in enumerate(elements):
            check_added_cells(added + len(cells) - before)
            _fill_spanned(cells, spanning)
            text = _cell(cell)
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for number in range(across):
                if down > 1:
                    spanning[len(cells)] = (down - 1, text)
                # A value that reaches across columns stands in the first one; a header is above each of them.
                cells.append(text if number == 0 or cell.name == "th" else "")
        _fill_spanned(cells, spanning)
        added += len(cells) - len(elements)
        has_only_headers = bool(elements) and all(cell.name == "th" for cell in elements)
        has_body = has_body or not (is_in_head or has_only_headers)
        if elements:
            yield cells, row.line, not has_body


def _rows(table: Element) -> Iterator[tuple[Element, bool]]:
    for child in table.children:
        if isinstance(child, Element) and child.name == "tr":
            yield child, False
        elif isinstance(child, Element) and child.name in ("thead", "tbody", "tfoot"):
            yield from ((row, child.name == "thead") for row, _ in _rows(child))


def _fill_spanned(cells: list[str], spans: dict[int, tuple[int, str]]) -> None:
    while len(cells) in spans:
        left, text = spans.pop(len(cells))
        if left > 1:
            spans[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: Element, name: str) -> int:
    value = cell.attributes.get(name, "1").strip()
    return min(max(int(value), 1), _MAX_SPAN) if value.isascii() and value.isdecimal() and len(value) < 6 else 1


def _cell(element: Element) -> str:
    lines = [line for line in inline_text(element.children).split("\n") if line]
    separator = "；" if has_han("".join(lines)) else "; "
    text = ""
    for line in lines:
        # The line after a label such as `通用 LLM：` belongs to the label.
        text += line if not text or text.endswith(("：", ":")) else f"{separator}{line}"
    return text


def _with_groups(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows with the values of grouping columns in every row of the group."""
    columns = _grouping_columns([row.cells for row in rows if not _is_total(row.cells)])
    above: tuple[str, ...] = ()
    for row in rows:
        cells = list(row.cells)
        if columns and not _is_total(row.cells):
            if above and not cells[0] and _starts_anew(cells[len(columns)], above[len(columns)]):
                above = ()
            for column in columns:
                if cells[column]:
                    break  # a new group: nothing right of it is as above
                cells[column] = above[column] if above else ""
            above = tuple(cells) if cells[0] else ()
        yield replace(row, cells=tuple(cells))


def _grouping_columns(rows: Sequence[tuple[str, ...]]) -> list[int]:
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
        is_named = bool(rows[0][column]) and not any(_NO_NAME.match(name) for name in names)
        if is_repeated or not goes_on or not is_named or len(names) == len(rows):
            break
        columns.append(column)
    return columns


def _is_total(cells: Sequence[str]) -> bool:
    return any(_TOTAL.match(cell) for cell in cells)


def _starts_anew(cell: str, above: str) -> bool:
    """Return whether a numbering begins again, which no group does in its middle."""
    return cell.isdecimal() and above.isdecimal() and int(cell) <= int(above)


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
