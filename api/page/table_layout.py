"""A `<table>` as HTML allows it: a caption, then rows of cells; anything else that stood in it comes before it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.markup.elements import HIDDEN
from ingest.markup.tree import Element, Node

_PARTS = ("thead", "tbody", "tfoot")
_CELLS = ("td", "th")
_MAX_SPAN = 1000
_LONG_CELL_CHARACTERS = 20


@dataclass(slots=True)
class TableLayout:
    """The pieces of a table. `rows` has the name of the part that each row stands in, and its cells."""

    before: list[Node] = field(default_factory=list)
    caption: Element | None = None
    rows: list[tuple[str, Element, list[Element]]] = field(default_factory=list)


def read_layout(table: Element) -> TableLayout:
    """Return the pieces of a table in reading order."""
    layout = TableLayout()
    _read(table, "tbody", layout)
    return layout


def spans(cell: Element) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a cell that reaches over several columns or rows."""
    for name in ("colspan", "rowspan"):
        value = cell.attributes.get(name, "").strip()
        if value.isascii() and value.isdecimal() and len(value) < 6 and int(value) > 1:
            yield name, str(min(int(value), _MAX_SPAN))


def is_long(cell: Element) -> bool:
    """Return whether a cell has so much text that its column needs some width."""
    count = 0
    for text in _texts(cell):
        count += len(text.strip())
        if count > _LONG_CELL_CHARACTERS:
            return True
    return False


def _read(element: Element, part: str, layout: TableLayout) -> None:
    for child in element.children:
        name = child.name if isinstance(child, Element) else ""
        if isinstance(child, Element) and name in _PARTS and element.name == "table":
            _read(child, name, layout)
        elif isinstance(child, Element) and name == "tr":
            cells = [cell for cell in child.children if isinstance(cell, Element) and _is_cell(cell)]
            layout.rows.append((part, child, cells))
            layout.before += [stray for stray in child.children if not _is_cell(stray)]
        elif isinstance(child, Element) and name == "caption" and layout.caption is None:
            layout.caption = child
        elif name not in HIDDEN:
            layout.before.append(child)


def _texts(element: Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, Element):
            yield from _texts(child)
        else:
            yield child.text


def _is_cell(node: Node) -> bool:
    return isinstance(node, Element) and node.name in _CELLS
