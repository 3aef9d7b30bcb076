"""Marks change nothing of a document but the marks, whatever it contains."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page.document_html import RenderedDocument, render_document
from ingest.readers.parse import parse_document
from tests.api.page.test_document_routes import HOSTILE

VOID = ("br", "hr", "img", "wbr")
MARKDOWN = [
    "*em*",
    "`x`",
    "[a](#b)",
    "\n",
    "\n\n",
    "\\\n",
    "- ",
    "> ",
    "# ",
    "```py\n",
    "\n```\n",
    "| a |\n|---|\n| b |\n",
]
TAGS = "p b div table tr td pre details summary ul li dl dt h2 ruby rt a wbr br".split()
HTML = [*(f"<{tag}>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS), "<!-- c -->", "<a href=#b>"]
FORGED = ["<wbr data-mark=0>", '<p data-mark="0">', ' data-mark="0"', '<span class="cited">', "<p id=passage>"]
FRAGMENTS = [*MARKDOWN, *HTML, *FORGED, "text", "中文", "\t", "    "]


class Nesting(HTMLParser):
    """Raises AssertionError if a tag ends another element than the one that was opened last."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag


def without_marks(html: str) -> str:
    """Return the HTML without marks, where a span ends, and text that looks like a mark."""
    html = re.sub(r'<span class="cited"(?: id="passage")?>', "<span>", html)
    html = re.sub(r' cited" id="passage"| cited"', '"', html)
    html = re.sub(r' class="cited"(?: id="passage")?', "", html)
    return re.sub(r"</?span>", "", html)


def check(rendered: RenderedDocument, lines: range) -> None:
    plain, marked = rendered.html(), rendered.html(lines)
    Nesting(marked)
    assert without_marks(marked) == without_marks(plain)
    assert marked.count('id="passage"') == (marked != plain)
    for html in (plain, marked):
        assert not re.search(r"<[^>]* data-mark=", html)
        assert "base-" not in html
        assert "id-" not in html


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_mark_in_a_hostile_document_opens_nothing_that_it_does_not_close(hostile: str) -> None:
    for source in ("a.md", "a.html"):
        rendered = render_document(parse_document(source, f"before\n\n{hostile}\n\nafter\n".encode()))
        for first in range(1, 6):
            check(rendered, range(first, first + 2))


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join),
    st.sampled_from(("a.md", "a.html", "a.mdx")),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_a_mark_changes_nothing_else_of_any_document(text: str, source: str, first: int, count: int) -> None:
    check(render_document(parse_document(source, text.encode())), range(first, first + count))
