"""Markdown → sections → blocks, with the line numbers of the file.

A section is the text under one heading. A block is a part of it: a paragraph, a list, a code block or a table.
markdown-it parses the text (CommonMark with tables); this module walks its syntax tree.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from ingest.chunking.inline_text import inline_text, is_label, strip_tags
from ingest.chunking.slugs import unique_slugger
from ingest.chunking.tables import Table, read_table
from rag.types import ChunkKind

_MAX_NESTING = 100
_PARSER = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
_CONTAINERS = ("blockquote_open", "list_item_open")
_EXPLICIT_ANCHOR = re.compile(r"\s*\{#([\w-]+)\}\s*$")
_MAX_CAPTION_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Line:
    """The smallest part of a block. `ancestors` are the list items above it, without which it makes no sense."""

    text: str
    start_line: int
    end_line: int
    ancestors: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading; `heading_path` has its headings, outermost first."""

    heading_path: tuple[str, ...]
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section: its plain text, and an anchor that is unique in the document."""

    level: int
    text: str
    anchor: str


def parse_tokens(body: str) -> list[Token]:
    """Parse a Markdown text as for sections.

    Raises RecursionError if quotes and lists are nested deeper than 50 to 100 levels: the parser would leave out their
    content and, in lists, everything after them.
    """
    tokens = _PARSER.parse(body)
    if any(token.type in _CONTAINERS and token.level >= _MAX_NESTING - 1 for token in tokens):
        raise RecursionError(f"blocks are nested more than {_MAX_NESTING} levels deep")
    return tokens


def top_level_headings(tokens: Sequence[Token]) -> list[Heading]:
    """Return the headings that begin sections, in order; headings in quotes and lists do not."""
    unique_slug = unique_slugger()
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0:
            text, explicit_anchor = _heading(inline)
            found.append(Heading(int(opening.tag[1:]), text, explicit_anchor or unique_slug(text)))
    return found


def parse_sections(body: str, first_line: int = 1) -> list[Section]:
    """Return the sections of a Markdown text in order. The text before the first heading has an empty path.

    `first_line` is the line of the file on which `body` begins. Sections without blocks are left out.

    Raises RecursionError as `parse_tokens` does.
    """
    headings: list[Heading] = []
    anchor = ""
    blocks: list[Block] = []
    sections: list[Section] = []

    def close() -> None:
        if blocks:
            path = tuple(heading.text for heading in headings)
            sections.append(Section(path, anchor, tuple(_with_captions(blocks))))
            blocks.clear()

    tokens = parse_tokens(body)
    upcoming = iter(top_level_headings(tokens))
    for node in SyntaxTreeNode(tokens).children:
        if node.type == "heading":
            close()
            begun = next(upcoming)
            headings = [heading for heading in headings if heading.level < begun.level] + [begun]
            anchor = begun.anchor
        else:
            blocks.extend(_blocks(node, first_line))
    close()
    return sections


def _heading(inline: Token | None) -> tuple[str, str]:
    """Return the text of a heading, and its explicit anchor or ""."""
    text = " ".join(inline_text((inline and inline.children) or (), with_links=False).split())
    explicit = _EXPLICIT_ANCHOR.search(text)
    return (text[: explicit.start()], explicit[1]) if explicit else (text, "")


def _inline(node: SyntaxTreeNode) -> list:  # type: ignore[type-arg]  # of Token
    token = node.children[0].token if node.children else None
    return (token.children if token else None) or []


def _blocks(node: SyntaxTreeNode, first_line: int) -> Iterator[Block]:
    """Yield the blocks of one top-level node; none for a thematic break, a comment or a reference definition."""
    if node.map is None:
        return
    start, end = node.map[0] + first_line, node.map[1] + first_line - 1
    if node.type == "table":
        table = read_table(node, first_line)
        if table.rows:
            yield Block("table", start, table.rows[-1].line, table=table)
        elif any(table.headers):
            yield Block("text", start, end, lines=(Line(" › ".join(filter(None, table.headers)), start, end),))
        return
    lines = _hard_broken_lines(node, start, end) or tuple(_lines(node, first_line))
    if not any(line.text.strip() for line in lines):
        return
    kind: ChunkKind = {"bullet_list": "list", "ordered_list": "list", "fence": "code", "code_block": "code"}.get(
        node.type, "text"
    )  # type: ignore[assignment]
    yield Block(
        kind,
        start,
        max(line.end_line for line in lines) if kind == "list" else end,
        lines=lines,
        fence=node.info.strip() if node.type == "fence" else "",
        is_caption=node.type == "paragraph" and len(lines) == 1 and _reads_as_caption(node, lines[0].text),
    )


def _hard_broken_lines(node: SyntaxTreeNode, start: int, end: int) -> tuple[Line, ...]:
    """Return the lines of a paragraph with a hard break at the end of each, with their numbers; () for any other.

    A log or a list of addresses is one paragraph, and a citation of the whole paragraph would be useless.
    """
    if node.type != "paragraph" or sum(token.type == "hardbreak" for token in _inline(node)) != end - start:
        return ()
    texts = inline_text(_inline(node)).split("\n")
    if len(texts) != end - start + 1:
        return ()
    return tuple(Line(text, number, number) for number, text in enumerate(texts, start))


def _reads_as_caption(paragraph: SyntaxTreeNode, text: str) -> bool:
    short = len(text) <= _MAX_CAPTION_CHARACTERS and "\n" not in text
    return short and (is_label(_inline(paragraph)) or text.endswith((":", "：")))


def _with_captions(blocks: list[Block]) -> Iterator[Block]:
    """Attach each label to the list, table or code that it introduces."""
    caption: Block | None = None
    for block in blocks:
        if caption and block.kind in ("table", "list", "code"):
            yield replace(block, caption=caption.lines[0].text, start_line=caption.start_line)
            caption = None
            continue
        if caption:
            yield caption
        caption = block if block.is_caption else None
        if not caption:
            yield block
    if caption:
        yield caption


def _lines(node: SyntaxTreeNode, first_line: int, ancestors: tuple[str, ...] = ()) -> Iterator[Line]:
    start, end = (node.map[0] + first_line, node.map[1] + first_line - 1) if node.map else (first_line, first_line)
    if node.type == "paragraph":
        text = inline_text(_inline(node))
        if text:
            yield Line(text, start, end, ancestors)
    elif node.type in ("bullet_list", "ordered_list"):
        yield from _list_lines(node, first_line, ancestors)
    elif node.type in ("fence", "code_block"):
        offset = 1 if node.type == "fence" else 0
        for number, text in enumerate(node.content.rstrip("\n").split("\n"), start + offset):
            yield Line(text, number, number, ancestors)
    elif node.type == "html_block":
        text = strip_tags(node.content)
        if text:
            yield Line(text, start, end, ancestors)
    elif node.type == "table":
        for row in read_table(node, first_line).rows:
            yield Line(row.as_text(), row.line, row.line, ancestors)
    elif node.type == "heading":
        yield Line(_heading(node.children[0].token if node.children else None)[0], start, end, ancestors)
    else:  # a blockquote, or any other node that contains blocks
        for child in node.children:
            yield from _lines(child, first_line, ancestors)


def _list_lines(node: SyntaxTreeNode, first_line: int, ancestors: tuple[str, ...]) -> Iterator[Line]:
    indent = "  " * len(ancestors)
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    for item in node.children:
        marker = "-" if number is None else f"{number}."
        number = None if number is None else number + 1
        above = ancestors
        for position, child in enumerate(item.children):
            is_list = child.type in ("bullet_list", "ordered_list")
            margin = "" if is_list else f"{indent}{marker} " if position == 0 else f"{indent}  "
            for line in _lines(child, first_line, above):
                shown = replace(line, text=f"{margin}{line.text}")
                if position == 0 and not is_list:
                    margin = f"{indent}  "
                    above = (*ancestors, shown.text) if child.type == "paragraph" else above
                yield shown
