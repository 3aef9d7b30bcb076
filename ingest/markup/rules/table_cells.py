"""Cells of tables: `|` in code does not end a cell, and what is behind the last column belongs to its cell."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import table as commonmark_table

_SPLIT = re.compile(r"\\\||(?P<code>`+)|\|")


def use_tables(parser: MarkdownIt) -> None:
    """Enable tables, with cells as they are meant; GFM would drop what is behind a `|` too many."""
    parser.enable("table")
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})


def _table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    first = len(state.tokens)
    if not commonmark_table(state, start_line, end_line, silent):
        return False
    row = []
    for token in state.tokens[first:]:
        if token.type == "inline":
            row.append(token)
        elif token.type == "tr_close":
            line = row[0].map[0] if row and row[0].map else start_line
            source = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
            if source.count("|") > len(row) - 1:
                for cell, content in zip(row, _cells(source, len(row)), strict=False):
                    cell.content = content
            row = []
    return True


def _cells(source: str, count: int) -> list[str]:
    """Return the cells of a row; if there are more than `count`, the last one has the rest."""
    source = source.strip()
    whole = _split(source, keep_code=True)
    cells = whole if len(whole) >= count else _split(source, keep_code=False)
    while len(cells) > count and not cells[-1].strip():
        cells.pop()
    return [cell.replace("\\|", "|").strip() for cell in [*cells[: count - 1], "|".join(cells[count - 1 :])]]


def _split(source: str, *, keep_code: bool) -> list[str]:
    cells, start, position = [], 0, 0
    while found := _SPLIT.search(source, position):
        position = found.end()
        if found["code"]:
            closing = re.compile(rf"(?<!`){found[0]}(?!`)").search(source, position) if keep_code else None
            position = closing.end() if closing else position
        elif found[0] == "|":
            cells.append(source[start : found.start()])
            start = position
    cells.append(source[start:])
    first = 1 if not cells[0].strip() else 0
    last = len(cells) - 1 if len(cells) > 1 and not cells[-1].strip() else len(cells)
    return cells[first:last]
