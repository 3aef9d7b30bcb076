"""A page says what the chunks of its document say: the same words and numbers, in the same order."""

import re
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser

from hypothesis import assume, example, given
from hypothesis import strategies as st

from api.page.document_html import render_document
from ingest.chunking.chunks import chunk_document
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
from rag.errors import DocumentError
from rag.text.urls import is_external_url
from rag.types import Chunk

_WORD = re.compile(r"[A-Za-z0-9]+|[^\W_a-zA-Z0-9]")
_EXPONENT = re.compile(r"[-+−]?(?:\d+|[a-z])\Z")
_LONG_TAG = re.compile(r"<[^>]*\n")  # the text around a tag of two lines is read as two lines
_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
_NOISE = "ab12中文 *_[]()\\<>`-+~!{}%:$^=&;\"'/.\n"
_MARKS = (
    "<user>@<host>",
    "Optional<Order>",
    "600*800*2000",
    "10<sup>9</sup>",
    "H<sub>2</sub>O",
    "<b>bold</b>",
    "<div>block",
    "</div>",
    "__init__.py",
    r"\\server\share",
    r"C:\app\logs",
    "[text](guide.md)",
    "[site](https://a.example/b)",
    "<https://a.example/c>",
    "[call](tel:0571-6000)",
    "![alt](a.png)",
    '![alt](https://a.example/x.png "title")',
    "[[note#part|shown]]",
    "==marked==",
    "%%comment%%",
    "$x^2$",
    "[^1]",
    "&lt;tag&gt;",
    "&nbsp;",
    "{{< ref >}}",
    "{#own}",
    "~~gone~~",
    "`code <b> | x`",
    "**加粗。**后面",
)
_words = st.text(_NOISE, min_size=1, max_size=12) | st.sampled_from(_MARKS)
_line = st.lists(_words, min_size=1, max_size=4).map(lambda words: " ".join(" ".join(words).split()))
_paragraph = st.lists(_line, min_size=1, max_size=3).map("\n".join)
_cell = _line.map(lambda line: f"w {line.replace('|', ' ')}")
_table = st.lists(st.tuples(_cell, _cell), min_size=1, max_size=3).map(
    lambda rows: "\n".join(("| left | right |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)))
)
_list = st.lists(st.tuples(st.sampled_from(("- ", "  - ", "1. ", "* ")), _line), min_size=1, max_size=4).map(
    lambda items: "\n".join(f"- first\n{mark}{line}" for mark, line in items)
)
_fixed = st.sampled_from(
    (
        "```py\nif a < b:\n    c[0] = `d`\n```",
        "    indented <b> code",
        "[^1]: the note",
        "!!! note 标题\n    inside",
        "::: tip Title\ninside\n:::",
        '=== "Tab"\n\n    inside',
        "> [!NOTE]\n> quoted",
        "term\n: definition",
        "<table><caption>C</caption><tr><th>H</th></tr><tr><td>x<br>y</td></tr></table>",
        "<details><summary>More</summary>\n\nhidden *text*\n\n</details>",
        "$$\na_1 + b\n$$",
    )
)
_heading = st.tuples(st.sampled_from(("# ", "## ", "### ")), _line).map("".join)
_document = st.lists(_paragraph | _table | _list | _fixed | _heading, min_size=1, max_size=6).map("\n\n".join)


class _Shown(HTMLParser):
    """The words of a page, apart for each heading of a section; numbers of items and addresses of links included."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[tuple[bool, str]] = [(False, "")]
        self._numbers: list[int | None] = []
        self._links: list[tuple[str, int, str]] = []
        self._raised = 0
        self._number = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("ul", "ol"):
            self._numbers.append(int(values.get("start", 1)) if tag == "ol" else None)
        if tag == "li" and self._numbers and (number := self._numbers[-1]) is not None:
            self._number = f" {number} "  # shown if the item has a text
            self._numbers[-1] = number + 1
        if tag in ("ul", "ol", "pre", "table"):
            self._number = ""  # an item that begins with another block has no line of its own
        if tag == "img":
            self._add(values.get("alt", ""))
        if tag == "a":
            self._links.append(
                (values.get("href", "") if "class" not in values else "", len(self.parts[-1][1]), self._number.strip())
            )
        if re.fullmatch("h[1-6]", tag) and "id" in values:
            self.parts.append((True, ""))
        if tag not in _INLINE:
            self._add(" ")
        if tag == "sup":
            self._raised = len(self.parts[-1][1])

    def handle_endtag(self, tag: str) -> None:
        if re.fullmatch("h[1-6]", tag) and self.parts[-1][0]:
            self.parts.append((False, ""))
        if tag in ("ul", "ol"):
            self._numbers.pop()
        if tag == "li":
            self._number = ""
        if tag == "sup":
            is_heading, text = self.parts[-1]
            raised = text[self._raised :]
            self.parts[-1] = (is_heading, text[: self._raised] + ("^" if _EXPONENT.match(raised) else "") + raised)
        if tag == "a":
            href, start, number = self._links.pop()
            text = self.parts[-1][1][start:].strip().removeprefix(number).strip()
            if is_external_url(href) and text not in (href, href.removeprefix("mailto:"), href.removeprefix("tel:")):
                self._add(f" ({href})")
        if tag not in _INLINE:
            self._add(" ")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, text: str) -> None:
        is_heading, before = self.parts[-1]
        self.parts[-1] = (is_heading, before + (self._number if text.strip() else "") + text)
        self._number = "" if text.strip() else self._number


_INLINE = ("a", "b", "strong", "em", "i", "code", "mark", "s", "span", "sub", "sup", "u")


def _words_of(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _chunk_words(document: Document) -> list[str]:
    """Return the words of all passages, without the names of languages on the fences of code."""
    chunks = chunk_document(document, count_tokens=len, max_tokens=1_000_000)
    return _words_of("\n".join(_content(chunk) for chunk in chunks if chunk.kind != "row"))


def _content(chunk: Chunk) -> str:
    return chunk.content if chunk.source.endswith(".html") else _FENCE.sub("", chunk.content)


def _are_same(parts: Sequence[tuple[bool, str]], words: list[str]) -> bool:
    """Return whether the parts give the words. A heading is in its chunks' path, and may be in their content, too."""
    positions = {0}
    for is_heading, text in parts:
        part = _words_of(text)
        after = {start + len(part) for start in positions if words[start : start + len(part)] == part}
        positions = after | (positions if is_heading else set())
    return len(words) in positions


@example("a\\\nb **c\nd** `e\nf`")
@example("text <div>in a block</div> after")
@example("- one\n\n  | a | b |\n  |---|---|\n  | 1 | 2 |\n- two")
@given(_document)
def test_a_page_has_the_words_of_its_chunks_in_order(text: str) -> None:
    try:
        document = parse_document("a.md", text.encode())
    except DocumentError:
        return
    html = render_document(document).html()
    shown, chunks = _Shown(html).parts, _chunk_words(document)
    assert _are_same(shown, chunks), (html, [part for _, text in shown for part in _words_of(text)], chunks)


@given(_document)
def test_html_has_the_words_of_its_chunks_too(text: str) -> None:
    assume(not _LONG_TAG.search(text))
    document = parse_document("a.html", text.encode())
    html = render_document(document).html()
    shown, chunks = _Shown(html).parts, _chunk_words(document)
    assert _are_same(shown, chunks), (html, [part for _, text in shown for part in _words_of(text)], chunks)
