"""A Markdown table as rows that can be read alone, with header names and with blank leading cells filled from above."""

from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode

from ingest.chunking.inline_text import inline_text
from rag.text.cjk import has_han
from rag.types import PATH_SEPARATOR


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `cells` has one text for each header; a blank leading cell has the value from above."""

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
    """Headers and rows; a row without any text is left out."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]

    def head_as_markdown(self) -> str:
        """Return the headers and the ruler below them as Markdown."""
        return f"{_markdown_row(self.headers)}\n|{'---|' * len(self.headers)}"


def read_table(node: SyntaxTreeNode, first_line: int) -> Table:
    """Return the table of a markdown-it node; `first_line` is the line of the file on which the body begins."""
    headers: tuple[str, ...] = ()
    rows: list[Row] = []
    for part in node.children:
        for row_node in part.children:
            cells = tuple(_cell(cell) for cell in row_node.children)
            if part.type == "thead":
                headers = tuple(" ".join(cell.split()) for cell in cells)
            elif any(cells):
                line = (row_node.map[0] if row_node.map else 0) + first_line
                above = rows[-1].cells if rows else ()
                rows.append(Row(headers, _inherit(cells, above), line))
    return Table(headers, tuple(rows))


def _cell(node: SyntaxTreeNode) -> str:
    token = node.children[0].token if node.children else None
    lines = [line for line in inline_text((token.children if token else None) or ()).split("\n") if line]
    separator = "；" if has_han("".join(lines)) else "; "
    text = ""
    for line in lines:
        # The line after a label such as `通用 LLM：` belongs to the label.
        text += line if not text or text.endswith(("：", ":")) else f"{separator}{line}"
    return text


def _inherit(cells: tuple[str, ...], above: tuple[str, ...]) -> tuple[str, ...]:
    leading = next((index for index, cell in enumerate(cells) if cell), 0)
    return above[:leading] + cells[leading:] if above else cells


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
