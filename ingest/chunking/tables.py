"""A table as rows that can be read alone, with header names, and with cells that mean "as above" filled from above."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.chunking.inline_text import inline_text
from ingest.chunking.table_groups import with_groups
from ingest.chunking.table_totals import is_total
from ingest.markup.tree import Element, Node
from ingest.readers.grid import check_added_cells
from rag.text.cjk import has_han
from rag.types import PATH_SEPARATOR

_MAX_SPAN = 1000
_LONGEST_VALUE = 20
_PICTURE = "\ufffc"
"""What stands for a picture without a description: a cell with one is not blank."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `cells` has one text for each header; a blank cell that means "as above" has the value from above."""

    headers: tuple[str, ...]
    cells: tuple[str, ...]
    line: int
    end_line: int

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
    width = max((len(cells) for _, cells, _ in grid), default=0)
    check_added_cells(width * len(grid) - sum(len(cells) for _, cells, _ in grid))
    headers = _headers([cells for _, cells, is_header in grid if is_header], width)
    body = [(row, cells) for row, cells, is_header in grid if not is_header and any(map(_shown, cells))]
    caption = next((" ".join(inline_text(each.children).split()) for each in table.elements("caption")), "")
    filled = with_groups(headers, [(*cells, *[""] * (width - len(cells))) for _, cells in body])
    lines = [(row.line, _last_line(row)) for row, _ in body]
    rows = tuple(Row(headers, tuple(map(_shown, cells)), *span) for cells, span in zip(filled, lines, strict=True))
    return Table(headers, rows, caption)


def outside_of_cells(table: Element) -> list[Node]:
    """Return what stands in a `<table>`, but in none of its cells: a page shows it, too, above the table."""
    found: list[Node] = []
    for child in table.children:
        if isinstance(child, Element) and child.name in ("thead", "tbody", "tfoot", "tr"):
            inside = outside_of_cells(child)
            if any(isinstance(node, Element) or node.text.strip() for node in inside):
                found += [*inside, Element("br", child.end_line)]
        elif not isinstance(child, Element) or child.name not in ("td", "th", "caption"):
            found.append(child)
    return found


def _headers(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Return one name for each column; of several rows of headers, the names that stand above it."""
    columns = [[row[column] for row in rows if column < len(row)] for column in range(width)]
    return tuple(" ".join(" ".join(dict.fromkeys(filter(None, map(_shown, names)))).split()) for names in columns)


def _grid(table: Element) -> Iterator[tuple[Element, list[str], bool]]:
    """Yield each row, its cells, and whether it is one of headers."""
    rows = [(row, found, is_in_head) for row, is_in_head in _rows(table) if (found := _cells(row))]
    heads = _count_headers([(found, is_in_head) for _, found, is_in_head in rows])
    spanning: dict[int, tuple[int, str]] = {}  # column → how many more rows its cell reaches down to, and its text
    added = 0
    for position, (row, elements, _) in enumerate(rows):
        cells: list[str] = []
        for before, cell in enumerate(elements):
            check_added_cells(added + len(cells) - before)
            _fill_spanned(cells, spanning)
            text = _text(cell)
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            is_value = 0 < heads <= position and before > 0 and len(text) <= _LONGEST_VALUE and not is_total(cells[0])
            for number in range(across):
                if down > 1:
                    spanning[len(cells)] = (down - 1, text)
                # A header and a value are those of each column; what names or explains the row stands there once.
                cells.append(text if number == 0 or position < heads or is_value else "")
        _fill_spanned(cells, spanning)
        added += len(cells) - len(elements)
        yield row, cells, position < heads


def _count_headers(rows: Sequence[tuple[Sequence[Element], bool]]) -> int:
    """Return how many rows at the top are headers: in a `<thead>`, or with nothing but `<th>`."""
    for position, (cells, is_in_head) in enumerate(rows):
        # One cell across the table begins a part of it. Above the names of the rows, the corner may be blank.
        names = cells[1:] if position == 0 and not _text(cells[0]) else cells
        has_only_headers = bool(names) and all(cell.name == "th" for cell in names)
        if not is_in_head and (not has_only_headers or (position > 0 and len(cells) == 1)):
            return position
    return len(rows)


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row.children if isinstance(cell, Element) and cell.name in ("td", "th")]


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
    if value == "0" and name == "rowspan":
        return _MAX_SPAN  # to the end of the table
    return min(max(int(value), 1), _MAX_SPAN) if value.isascii() and value.isdecimal() and len(value) < 6 else 1


def _last_line(row: Element) -> int:
    """Return the last line of a row's text; its end tag may stand further down, or be missing."""
    last = row.line
    for node in row.children:
        if isinstance(node, Element):
            last = max(last, _last_line(node))
        elif text := node.text.rstrip():
            last = max(last, node.line + text.count("\n"))
    return last


def _text(element: Element) -> str:
    lines = [line for line in inline_text(element.children).split("\n") if line]
    separator = "；" if has_han("".join(lines)) else "; "
    text = ""
    for line in lines:
        # The line after a label such as `通用 LLM：` belongs to the label.
        text += line if not text or text.endswith(("：", ":")) else f"{separator}{line}"
    return text or (_PICTURE if any(element.elements("img")) else "")


def _shown(text: str) -> str:
    return "" if text == _PICTURE else text


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
