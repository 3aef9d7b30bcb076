"""Tree → sections → blocks, with the line numbers of the file. A section is the text under one heading."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.chunking.blocks import LISTS, Block, read_blocks, with_captions
from ingest.chunking.inline_text import Line, inline_text
from ingest.chunking.slugs import unique_slugger
from ingest.chunking.tables import outside_of_cells
from ingest.markup.elements import HEADINGS
from ingest.markup.tree import Element, Node, runs
from rag.text.urls import is_external_url

# Elements that only group others. Headings in them begin sections; those in quotes, lists and cells do not.
_WRAPPERS = frozenset(
    "body address article aside center details dialog div fieldset figure footer form header hgroup html main search "
    "section".split()
)
_MAX_CODE_LINES = 20
_MAX_CODE_LINES_OF_ONE_ROW = 5
_MAX_CELL_BLOCKS = 2

_VALUE = re.compile(
    r"[：:]\s*(?:\S{1,6}?\s?)?\d[\d.,:/-]*\s*\S{0,4}\Z"
    r"|(?<![\d-])\d{3,4}-\d{3}|\d{7}"
    r"|\d\s*(?:元|%|％|天|小时|分钟|秒|days|hours|minutes|[KMGT]i?B)[)）]?\Z"
)
"""A value or a telephone number, such as people write into a heading: `月费：59 元`, `行政部 0571-8800`."""


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading; `heading_path` has its headings, outermost first."""

    heading_path: tuple[str, ...]
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section: its element, its plain text, and an anchor that is unique in the document."""

    element: Element
    level: int
    text: str
    anchor: str


def section_headings(root: Element) -> list[Heading]:
    """Return the headings that begin sections, in order."""
    unique_slug = unique_slugger()
    found = []
    for run in _flow(root):
        if isinstance(run, Element) and run.name in HEADINGS:
            text = " ".join(inline_text(run.children, with_links=False).split())
            anchor = run.attributes.get("id") or unique_slug(text)
            found.append(Heading(run, HEADINGS.index(run.name) + 1, text, anchor))
    return found


def parse_sections(root: Element) -> list[Section]:
    """Return the sections of a document in order. The text before the first heading has an empty path.

    Sections without text are left out, unless the heading has no subsections either: then it is itself the text.
    """
    headings = iter(section_headings(root))
    parts: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    for run in _flow(root):
        if isinstance(run, Element) and run.name in HEADINGS:
            parts.append((next(headings), []))
        else:
            parts[-1][1].extend(read_blocks(run))
    sections: list[Section] = []
    path: list[Heading] = []
    for (heading, text), (following, _) in zip(parts, [*parts[1:], (None, [])], strict=True):
        blocks = text
        if heading:
            path = [above for above in path if above.level < heading.level] + [heading]
            is_only_text = not text and not (following and following.level > heading.level)
            blocks = [*_own_block(heading, is_only_text=is_only_text), *text]
        if blocks:
            anchor = heading.anchor if heading else ""
            sections.append(Section(tuple(each.text for each in path), anchor, tuple(with_captions(blocks))))
    return sections


def _flow(element: Element) -> Iterator[Element | list[Node]]:
    """Yield the blocks of an element, entering those that only group others."""
    for run in runs(element.children):
        if isinstance(run, Element) and run.name in _WRAPPERS:
            yield from _flow(run)
        elif isinstance(run, Element) and run.name == "table" and _is_layout(run):
            yield from runs(outside_of_cells(run))
            for cell in run.elements("caption", "td", "th"):
                if not any(cell is inner for table in run.elements("table") for inner in table.elements("td", "th")):
                    yield from _flow(cell)
        else:
            yield run


def _is_layout(table: Element) -> bool:
    """Return whether a table only arranges what is in it: sections, other tables, or code."""
    arranged = {element.name for element in table.elements("pre", "table", *HEADINGS)}
    if arranged <= {"pre"}:
        return "pre" in arranged and _is_layout_of_code(table)
    return True


def _is_layout_of_code(table: Element) -> bool:
    """Return whether code is more than the value of its cell.

    It is the value if there are names or other rows to read it with, unless it is long or explained.
    """
    cells = [cell for cell in table.elements("td", "th") if any(cell.elements("pre"))]
    rows = sum(any(row.elements("td")) for row in table.elements("tr"))
    if cells and rows < 2 and not any(table.elements("th")):
        return True
    most_lines = _MAX_CODE_LINES if rows > 1 else _MAX_CODE_LINES_OF_ONE_ROW
    return any(_code_length(cell) > most_lines or _has_many_blocks(cell) for cell in cells)


def _code_length(cell: Element) -> int:
    return sum(len(block.lines) for block in read_blocks(cell) if block.kind == "code")


def _has_many_blocks(cell: Element) -> bool:
    return len(list(_flow(cell))) > _MAX_CELL_BLOCKS or any(cell.elements(*LISTS))


def _own_block(heading: Heading, *, is_only_text: bool) -> Iterator[Block]:
    """Yield the heading as a block if it is all the text, states a value, or has a link that the heading path lacks."""
    element = heading.element
    has_link = any(is_external_url(link.attributes.get("href", "")) for link in element.elements("a"))
    text = " ".join(inline_text(element.children).split())
    if text and (is_only_text or has_link or _VALUE.search(heading.text)):
        line = Line(text, element.line, element.end_line)
        yield Block("text", element.line, element.end_line, lines=(line,))
