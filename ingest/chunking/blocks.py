"""The blocks of a section: paragraphs, lists, code and tables, each as lines with their numbers in the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.chunking.inline_text import Line, inline_lines, inline_text, is_label
from ingest.chunking.tables import Table, outside_of_cells, read_table
from ingest.markup.tree import Element, Node, runs
from rag.types import PATH_SEPARATOR, ChunkKind

_MAX_CAPTION_CHARACTERS = 120
LISTS = ("ul", "ol", "dl", "menu", "dir")


@dataclass(frozen=True, slots=True)
class Block:
    """`lines` of text, or a `table`. `caption` is the label right before it; `start_line` includes the caption."""

    kind: ChunkKind
    start_line: int
    end_line: int
    lines: tuple[Line, ...] = ()
    table: Table | None = None
    caption: str = ""
    fence: str = ""
    is_caption: bool = False


def read_blocks(run: Element | Sequence[Node]) -> Iterator[Block]:
    """Yield the blocks of an element, or of the inline nodes between two of them; none if there is no text.

    Code and tables within a list or a quote are blocks of their own, with the item that leads in to them as caption.
    """
    if not isinstance(run, Element):
        yield from _paragraph(run)
    elif run.name in ("p", "summary", "figcaption", "legend") and not any(map(_is_block, run.children)):
        yield from _paragraph(run.children, is_label_by_name=run.name in ("summary", "legend"))
    else:
        yield from _grouped("list" if run.name in LISTS else "text", _lines(run))


def with_captions(blocks: Sequence[Block]) -> Iterator[Block]:
    """Attach each label, and each sentence that ends with a colon, to the list, table or code that it leads in to."""
    caption: Block | None = None
    for block in blocks:
        if caption and block.kind in ("table", "list", "code"):
            texts = (caption.lines[0].text, block.caption)
            yield replace(
                block,
                caption=" ".join(filter(None, texts)),
                start_line=min(caption.start_line, block.start_line),
            )
            caption = None
            continue
        if caption:
            yield caption
        caption = block if block.is_caption else None
        if not caption:
            yield block
    if caption:
        yield caption


def _is_block(node: Node) -> bool:
    return isinstance(node, Element) and node.is_block


def _grouped(kind: ChunkKind, parts: Iterator[Line | Block]) -> Iterator[Block]:
    """Yield the blocks among the parts as they are, and the lines between them as blocks of this kind."""
    lines: list[Line] = []
    for part in parts:
        if isinstance(part, Line):
            lines += [part] if part.text.strip() else []
            continue
        caption = lines.pop() if lines and not part.caption and _leads_in(lines[-1], kind) else None
        yield from _of_lines(kind, lines)
        lines = []
        yield replace(part, caption=caption.text, start_line=caption.start_line) if caption else part
    yield from _of_lines(kind, lines)


def _leads_in(line: Line, kind: ChunkKind) -> bool:
    """Return whether a line belongs to the code or table behind it: an item does, and a sentence with a colon."""
    return len(line.text) <= _MAX_CAPTION_CHARACTERS and (kind == "list" or line.text.endswith((":", "：")))


def _of_lines(kind: ChunkKind, lines: Sequence[Line]) -> Iterator[Block]:
    if lines:
        yield Block(kind, lines[0].start_line, max(line.end_line for line in lines), lines=tuple(lines))


def _paragraph(nodes: Sequence[Node], *, is_label_by_name: bool = False) -> Iterator[Block]:
    lines = inline_lines(nodes)
    if lines:
        is_short = len(lines) == 1 and len(lines[0].text) <= _MAX_CAPTION_CHARACTERS
        yield Block(
            "text",
            lines[0].start_line,
            lines[-1].end_line,
            lines=tuple(lines),
            is_caption=is_short and (is_label_by_name or is_label(nodes) or lines[0].text.endswith((":", "："))),
        )


def _code(element: Element) -> Iterator[Block]:
    lines = tuple(_code_lines(element))
    if not any(line.text.strip() for line in lines):
        return
    if element.attributes.get("class") in ("math", "plain"):
        yield Block("text", lines[0].start_line, lines[-1].end_line, lines=lines)
    else:
        yield Block("code", element.line, element.end_line, lines=lines, fence=_language(element))


def _language(element: Element) -> str:
    """Return the language of code: that of a fence, or of the class that HTML has for it."""
    classes = " ".join(each.attributes.get("class", "") for each in (element, *element.elements("code"))).split()
    names = (name.removeprefix("language-") for name in classes if name.startswith("language-"))
    return element.attributes.get("language") or next(names, "")


def _table(element: Element) -> Iterator[Line | Block]:
    yield from _flow(outside_of_cells(element), ())
    table = read_table(element)
    if table.rows:
        last = max(row.end_line for row in table.rows)
        yield Block("table", element.line, last, table=table, caption=table.caption)
        # A cell has its code as a value on one line; as it is written, it stands below the table.
        for code in element.elements("pre"):
            yield from (block for block in _code(code) if block.kind == "code" and len(block.lines) > 1)
    elif names := [name for name in (table.caption, *table.headers) if name]:
        line = Line(PATH_SEPARATOR.join(names), element.line, element.end_line)
        yield Block("text", line.start_line, line.end_line, lines=(line,))


def _lines(element: Element, ancestors: tuple[str, ...] = ()) -> Iterator[Line | Block]:
    """Yield the lines of whatever an element contains, and its code and tables as blocks."""
    if element.name in ("ul", "ol", "menu", "dir"):
        yield from _list_lines(element, ancestors)
    elif element.name == "dl":
        yield from _definition_lines(element, ancestors)
    elif element.name == "pre":
        yield from _code(element)
    elif element.name == "table":
        yield from _table(element)
    else:
        yield from _flow(element.children, ancestors)


def _flow(nodes: Sequence[Node], ancestors: tuple[str, ...]) -> Iterator[Line | Block]:
    for run in runs(nodes):
        if isinstance(run, Element):
            yield from _lines(run, ancestors)
        else:
            yield from (replace(line, ancestors=ancestors) for line in inline_lines(run))


def _code_lines(element: Element) -> Iterator[Line]:
    text = "".join(_raw_texts(element))
    first = next((node.line for node in element.children), element.line)
    lines = text.split("\n")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    blank = 0
    while blank < len(lines) - 1 and not lines[blank].strip():
        blank += 1
    for number, line in enumerate(lines[blank:], first + blank):
        yield Line(line, number, number)


def _raw_texts(element: Element) -> Iterator[str]:
    for child in element.children:
        if not isinstance(child, Element):
            yield child.text
        elif child.name == "br":
            yield "\n"
        else:
            yield from _raw_texts(child)


def _list_lines(element: Element, ancestors: tuple[str, ...]) -> Iterator[Line | Block]:
    start = element.attributes.get("start", "1")
    number = (int(start) if start.isdecimal() and len(start) < 10 else 1) if element.name == "ol" else None
    for item in element.children:
        if isinstance(item, Element):
            yield from _item_lines(item, "-" if number is None else f"{number}.", ancestors)
            number = None if number is None else number + 1


def _definition_lines(element: Element, ancestors: tuple[str, ...]) -> Iterator[Line | Block]:
    """Yield the terms of a definition list as items, each with its definitions below."""
    above = ancestors
    indent = "  " * len(ancestors)
    for part in element.children:
        if isinstance(part, Element) and part.name == "dt":
            term = " ".join(inline_text(part.children).split())
            above = (*ancestors, f"{indent}- {term}")
            yield Line(above[-1], part.line, part.end_line, ancestors)
        elif isinstance(part, Element) and part.name == "dd":
            yield from _indented(_lines(part, above), above, f"{indent}  ")
        elif isinstance(part, Element):  # a `<div>` around a term and its definition
            yield from _definition_lines(part, ancestors)


def _item_lines(item: Element, marker: str, ancestors: tuple[str, ...]) -> Iterator[Line | Block]:
    indent = "  " * len(ancestors)
    margin = f"{indent}{marker} "
    above = ancestors
    for run in runs(item.children):
        parts = _lines(run, above) if isinstance(run, Element) else iter(inline_lines(run))
        if isinstance(run, Element) and run.name in LISTS and (above is not ancestors or marker == "-"):
            yield from parts
            continue
        for part in parts:
            if not isinstance(part, Line):
                has_begun = above is not ancestors or part.caption or marker == "-"
                yield part if has_begun else replace(part, caption=margin.rstrip())
                above = above if has_begun else (*ancestors, margin.rstrip())
                continue
            shown = replace(part.behind(margin), ancestors=above)
            if above is ancestors:
                margin = f"{indent}  "
                above = (*ancestors, shown.text)
            yield shown


def _indented(parts: Iterator[Line | Block], ancestors: tuple[str, ...], margin: str) -> Iterator[Line | Block]:
    for part in parts:
        is_own = isinstance(part, Line) and part.ancestors == ancestors
        yield part.behind(margin) if is_own and isinstance(part, Line) else part
