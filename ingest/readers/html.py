"""HTML → Markdown, block by block, so that the line of each block is known."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString
from markdownify import MarkdownConverter

from ingest.readers.html_tree import BLOCKS, parse_html
from ingest.readers.plain_text import ConvertedText, escape_markdown
from rag.text.urls import EXTERNAL_SCHEMES

_UNSEEN = ("script", "style", "noscript", "template", "svg", "head", "nav", "audio", "video", "canvas", "iframe")
# Blocks that are converted as a whole; any other is entered if there are blocks in it.
_WHOLE = ("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote")
_PLAIN = ("em", "i", "del", "s")
_RULER = "| ---"


def html_to_markdown(text: str) -> ConvertedText:
    """Headings, paragraphs, lists, tables and code of the body; scripts, styles and navigation are left out.

    Raises RecursionError for blocks that are nested too deeply.
    """
    soup = parse_html(text)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    text_lines = _lines_of_text(soup)
    for unseen in (*soup(list(_UNSEEN)), *soup(string=_is_comment)):
        unseen.extract()
    converter = _Converter(heading_style="atx", bullets="-", strip=list(_PLAIN))
    lines: list[str] = []
    line_map: list[int] = []
    for nodes in _blocks(soup):
        first = nodes[0]
        line = (first.sourceline if isinstance(first, Tag) else text_lines[id(first)]) or 1
        rows = _rows(first)
        paragraph = soup.new_tag("p")
        paragraph.extend(nodes)
        block = str(converter.convert_soup(paragraph)).strip("\n").split("\n")
        if any(line.strip() for line in block):
            lines += [*block, ""]
            line_map += [*_table_lines(block, rows, line), line]
    return ConvertedText(title, "\n".join(lines), tuple(line_map))


def _lines_of_text(soup: BeautifulSoup) -> dict[int, int]:
    """The line on which each piece of text begins, by its `id`: the parser knows it for elements only."""
    line = 1
    lines: dict[int, int] = {}
    for node in soup.descendants:
        if isinstance(node, Tag):
            line = node.sourceline or line
        else:
            text = str(node)
            lines[id(node)] = line + text.count("\n", 0, len(text) - len(text.lstrip()))
            line += text.count("\n")
    return lines


def _is_comment(text: str | None) -> bool:
    return isinstance(text, PreformattedString)


def _blocks(soup: BeautifulSoup) -> Iterator[Sequence[PageElement]]:
    """In reading order: each block alone, and together what stands between two blocks.

    Without recursion and in linear time, because HTML in which no end tags are written nests thousands deep.
    """
    holders = _holders_of_blocks(soup)
    loose: list[PageElement] = []
    entered = [iter(list(soup.children))]
    while entered:
        node = next(entered[-1], None)
        if isinstance(node, NavigableString) or (
            isinstance(node, Tag) and node.name not in BLOCKS and id(node) not in holders
        ):
            if loose or str(node).strip():
                loose.append(node)
            continue
        if loose:
            yield loose
        loose = []
        if not isinstance(node, Tag):
            entered.pop()
        elif node.name in _WHOLE or id(node) not in holders:
            yield [node]
        else:
            entered.append(iter(list(node.children)))


def _holders_of_blocks(soup: BeautifulSoup) -> set[int]:
    """The elements that blocks stand in, by their `id`."""
    holders: set[int] = set()
    for block in soup(list(BLOCKS)):
        for element in block.parents:
            if id(element) in holders:
                break
            holders.add(id(element))
    return holders


def _rows(node: PageElement) -> list[int]:
    return [row.sourceline or 1 for row in node("tr")] if isinstance(node, Tag) and node.name == "table" else []


def _table_lines(block: Sequence[str], rows: Sequence[int], line: int) -> list[int]:
    """The line of the file for each line of Markdown: that of its row in a table, else `line`, where the block begins.

    `rows` are the lines of a table's rows. Above the ruler stands the first of them, or, without header, none.
    """
    ruler = next((number for number, text in enumerate(block, 1) if text.startswith(_RULER)), 0)
    below = len(block) - ruler
    if not rows or not ruler or len(rows) - below not in (0, 1):
        return [line] * len(block)
    return [*[rows[0]] * ruler, *rows[len(rows) - below :]]


class _Converter(MarkdownConverter):
    """What markdownify does, except where text would gain or lose a meaning by it."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        return escape_markdown(text)

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Only addresses that lead somewhere are shown. A link cannot hold a link or a paragraph."""
        address = " ".join(str(el.get("href") or "").split())
        shown = text.strip()
        if not shown or "\n\n" in shown or parent_tags & {"a", "_noformat"} or not address.startswith(EXTERNAL_SCHEMES):
            return text
        return text.replace(shown, f"[{shown}](<{escape_markdown(address)}>)")

    def convert_b(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Bold is kept where it makes a label of a paragraph; within one, `**` does not always close after `：`."""
        beside = any(str(node).strip() for node in chain(el.previous_siblings, el.next_siblings))
        if beside or not text.strip() or el.parent is None or el.parent.name not in BLOCKS or "_inline" in parent_tags:
            return text
        return f"**{text.strip()}**"

    convert_strong = convert_b

    def convert_code(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """On one line, lest its lines begin something else."""
        text = text if "_noformat" in parent_tags else re.sub(r"\s+", " ", text)
        return str(super().convert_code(el, text, parent_tags))  # type: ignore[misc]  # not in its stub

    convert_kbd = convert_samp = convert_code

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A list of definitions is a list of terms, each with its definition below."""
        return f" {text.strip()} " if "_inline" in parent_tags else f"\n- {' '.join(text.split())}\n\n"

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f" {text.strip()} " if "_inline" in parent_tags else f"\n{_indented(text.strip())}\n\n"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return escape_markdown(" ".join(str(el.get("alt") or "").split()))

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        text = text.strip("\n")
        return f"\n\n{fence}\n{text}\n{fence}\n\n" if text.strip() else ""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return str(super().convert_td(el, text.replace("|", r"\|"), parent_tags))  # type: ignore[misc]

    convert_th = convert_td


def _indented(text: str) -> str:
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
