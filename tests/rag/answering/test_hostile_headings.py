"""Headings of documents in texts of ours are words: no client loads a picture, shows HTML or gets a link from them."""

from html import escape

import pytest
from markdown_it import MarkdownIt

from rag.answering.greeting import greeting_text
from rag.answering.notices import refusal_text

RENDERER = MarkdownIt("commonmark", {"html": True})
HEADINGS = [
    "![x](//evil.test/a.png)",
    "<img src=x onerror=y>",
    "[x](//evil.test/a)",
    "`code` **bold** _it_ ~~no~~",
    "a\\![x](//evil.test)",
    "&#60;img&#62;",
    "<!-- x",
    "a | b $c$ <x@evil.test>",
]


def without_code(html: str) -> str:
    """Addresses are code, so that no client makes a link of them."""
    return html.replace("<code>", "").replace("</code>", "")


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_refusal_names_the_words_of_a_heading(heading: str) -> None:
    html = without_code(RENDERER.render(refusal_text("en", [heading])))
    assert f"<li>{escape(heading, quote=False)}</li>" in html.replace("&quot;", '"')


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_greeting_names_the_words_of_a_heading(heading: str) -> None:
    html = without_code(RENDERER.render(greeting_text("en", [(heading, heading)])))
    words = escape(heading, quote=False)
    assert f"<li>What does “{words}” say?</li>" in html
    assert f"It holds: {words}." in html
