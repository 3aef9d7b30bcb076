"""HTML → Markdown, block by block, so that the line of each block is known."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString
from markdownify import MarkdownConverter

from ingest.readers.document import Document, converted_document
from ingest.readers.html_tree import BLOCKS, parse_html
from ingest.readers.plain_text import escape_markdown
from rag.text.urls import EXTERNAL_SCHEMES

_INVISIBLE = ("script", "style", "noscript", "template", "svg", "head", "nav", "audio", "video", "canvas", "iframe")
# Blocks that are converted as a whole; any other block is entered if it contains blocks.
_WHOLE = ("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote")
_PLAIN = ("em", "i", "del", "s")
_RULER = "| ---"


def html_to_document(source: str, html: str) -> Document:
    """Return the headings, paragraphs, lists, tables and code of a page; scripts, styles and navigation are left out.

    `line_map` has the line of the page on which each block or table row begins. Raises RecursionError for elements that
    are nested too deeply.
    """
    soup = parse_html(html)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    text_lines = _lines_of_text(soup)
    for invisible in (*soup(list(_INVISIBLE)), *soup(string=_is_comment)):
        invisible.extract()
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
    return converted_document(source, title=title, body="\n".join(lines), line_map=tuple(line_map))


def _lines_of_text(soup: BeautifulSoup) -> dict[int, int]:
    """Return the line on which each piece of text begins, by its `id`; the parser knows only the lines of elements."""
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
    """Yield in reading order each block alone, and all nodes between two blocks together.

    Without recursion and in linear time: HTML without end tags is nested thousands of levels deep.
    """
    containers = _containers_of_blocks(soup)
    loose: list[PageElement] = []
    entered = [iter(list(soup.children))]
    while entered:
        node = next(entered[-1], None)
        if isinstance(node, NavigableString) or (
            isinstance(node, Tag) and node.name not in BLOCKS and id(node) not in containers
        ):
            if loose or str(node).strip():
                loose.append(node)
            continue
        if loose:
            yield loose
        loose = []
        if not isinstance(node, Tag):
            entered.pop()
        elif node.name in _WHOLE or id(node) not in containers:
            yield [node]
        else:
            entered.append(iter(list(node.children)))


def _containers_of_blocks(soup: BeautifulSoup) -> set[int]:
    """Return the `id` of each element that contains a block."""
    containers: set[int] = set()
    for block in soup(list(BLOCKS)):
        for element in block.parents:
            if id(element) in containers:
                break
            containers.add(id(element))
    return containers


def _rows(node: PageElement) -> list[int]:
    return [row.sourceline or 1 for row in node("tr")] if isinstance(node, Tag) and node.name == "table" else []


def _table_lines(block: Sequence[str], rows: Sequence[int], line: int) -> list[int]:
    """Return the line of the file for each line of Markdown: that of its table row, or else `line`, the block's first.

    `rows` are the lines of a table's rows. The first of them is above the ruler, unless the table has no header.
    """
    ruler = next((number for number, text in enumerate(block, 1) if text.startswith(_RULER)), 0)
    below = len(block) - ruler
    if not rows or not ruler or len(rows) - below not in (0, 1):
        return [line] * len(block)
    return [*[rows[0]] * ruler, *rows[len(rows) - below :]]


class _Converter(MarkdownConverter):
    """markdownify's converter, changed where its Markdown would mean something else than the page."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Escape every character that Markdown would take for its own; markdownify escapes only some."""
        return escape_markdown(text)

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Keep external addresses only. A link cannot contain a link or a paragraph."""
        address = " ".join(str(el.get("href") or "").split())
        shown = text.strip()
        if not shown or "\n\n" in shown or parent_tags & {"a", "_noformat"} or not address.startswith(EXTERNAL_SCHEMES):
            return text
        return text.replace(shown, f"[{shown}](<{escape_markdown(address)}>)")

    def convert_b(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Keep bold if it is the whole paragraph, a label; within one, `**` does not always close after `：`."""
        beside = any(str(node).strip() for node in chain(el.previous_siblings, el.next_siblings))
        if beside or not text.strip() or el.parent is None or el.parent.name not in BLOCKS or "_inline" in parent_tags:
            return text
        return f"**{text.strip()}**"

    convert_strong = convert_b

    def convert_code(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Put code on one line, because its lines could begin a block."""
        text = text if "_noformat" in parent_tags else re.sub(r"\s+", " ", text)
        return str(super().convert_code(el, text, parent_tags))  # type: ignore[misc]  # not in its stub

    convert_kbd = convert_samp = convert_code

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write a definition list as a list of terms, each with its definition below."""
        return f" {text.strip()} " if "_inline" in parent_tags else f"\n- {' '.join(text.split())}\n\n"

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write a definition below its term, indented."""
        return f" {text.strip()} " if "_inline" in parent_tags else f"\n{_indented(text.strip())}\n\n"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write the alternative text of an image; the image itself is not kept."""
        return escape_markdown(" ".join(str(el.get("alt") or "").split()))

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Fence code with more backticks than it contains in a row."""
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        text = text.strip("\n")
        return f"\n\n{fence}\n{text}\n{fence}\n\n" if text.strip() else ""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Escape `|` in a cell."""
        return str(super().convert_td(el, text.replace("|", r"\|"), parent_tags))  # type: ignore[misc]

    convert_th = convert_td


def _indented(text: str) -> str:
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
