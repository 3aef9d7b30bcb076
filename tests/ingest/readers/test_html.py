"""HTML as Markdown: what is kept, what is left out, and which line is cited."""

import html

import pytest
from hypothesis import example, given, settings

from tests.kit.conversion import PUNCTUATION, chunks_of, lines_of, text_of

PAGE = """<!doctype html>
<html>
<head>
<title>Lamps &amp; lenses</title>
<style>p { color: red }</style>
<script>var tracked = "by the head";</script>
</head>
<body onload="steal()">
<nav><a href="/">Home of navigation</a></nav>
<h1 id="top" class="huge">Lamps</h1>
<p class="lead" onclick="alert('attribute')">The first paragraph
goes on.</p>
<h2>Parts</h2>
<ul>
<li>lens</li>
<li>daemon
<ul>
<li>socket</li>
<li>unit file</li>
</ul>
</li>
</ul>
<ol><li>unpack</li><li>start</li></ol>
<h3>Ports</h3>
<table>
<tr><th>Name</th><th>Port</th></tr>
<tr><td>lamp</td><td>7311</td></tr>
<tr><td>lens</td>
<td>7312</td></tr>
<tr><td>horn</td><td>7313</td></tr>
</table>
<h2>Code</h2>
<pre><code class="language-sh">
lamp --port 7311 &amp;&amp; echo "&lt;ok&gt;"
  lens *.glass
</code></pre>
<blockquote>Light is patient.</blockquote>
<script>document.write("by the body")</script>
<noscript>no script</noscript>
<template>a template</template>
<svg><text>a drawing</text></svg>
<!-- a comment -->
<p>See <a href="https://example.com/lamps" title="hidden title">the manual</a> or <a href="/local">this</a>.</p>
<p><img src="x.png" alt="a picture of the lamp" width="7319"></p>
</body>
</html>
"""


def line_in_page(words: str) -> int:
    return 1 + next(number for number, line in enumerate(PAGE.split("\n")) if words in line)


def test_the_headings_of_html_are_the_heading_path_and_its_title_the_title() -> None:
    chunks = chunks_of("a.html", PAGE)
    paths = list(dict.fromkeys(chunk.heading_path for chunk in chunks))
    assert paths == [("Lamps",), ("Lamps", "Parts"), ("Lamps", "Parts", "Ports"), ("Lamps", "Code")]
    assert {chunk.title for chunk in chunks} == {"Lamps & lenses"}


def test_html_without_a_title_is_called_by_its_first_heading() -> None:
    assert {chunk.title for chunk in chunks_of("a.html", "<h1>Horns</h1><p>Loud.</p>")} == {"Horns"}


def test_the_blocks_of_html_cite_the_lines_they_begin_on() -> None:
    assert lines_of("a.html", PAGE, "The first paragraph")[0] == line_in_page("The first paragraph")
    assert lines_of("a.html", PAGE, "lens *.glass")[0] == line_in_page("<pre>")
    [chunk] = [chunk for chunk in chunks_of("a.html", PAGE) if "unit file" in chunk.content]
    assert chunk.start_line == line_in_page("<li>lens")


def test_nested_lists_of_html_keep_their_nesting_and_numbers() -> None:
    text = text_of("a.html", PAGE)
    assert "- lens\n- daemon\n  - socket\n  - unit file\n" in text
    assert "1. unpack\n2. start" in text


@pytest.mark.parametrize("name", ["lamp", "lens", "horn"])
def test_each_row_of_an_html_table_cites_its_own_lines(name: str) -> None:
    port = {"lamp": 7311, "lens": 7312, "horn": 7313}[name]
    lines = (line_in_page(f"<td>{name}</td>"), line_in_page(f"<td>{port}</td>"))
    assert lines_of("a.html", PAGE, f"Name: {name} › Port: {port}") == lines


def test_each_row_of_an_html_table_without_header_cites_its_own_line() -> None:
    page = "<p>x</p>\n<table>\n<tr><td>lamp</td><td>7311</td></tr>\n<tr><td>lens</td><td>7312</td></tr>\n</table>\n"
    assert lines_of("a.html", page, "lamp › 7311") == (3, 3)
    assert lines_of("a.html", page, "lens › 7312") == (4, 4)


def test_code_of_html_is_kept_letter_by_letter() -> None:
    assert 'lamp --port 7311 && echo "<ok>"\n  lens *.glass' in text_of("a.html", PAGE)


@pytest.mark.parametrize(
    "unseen",
    [
        "color: red",
        "by the head",
        "by the body",
        "Home of navigation",
        "no script",
        "a template",
        "a drawing",
        "a comment",
        "doctype",
    ],
)
def test_parts_that_a_browser_does_not_show_as_text_are_left_out(unseen: str) -> None:
    assert unseen in PAGE
    assert unseen not in text_of("a.html", PAGE)


@pytest.mark.parametrize("attribute", ["steal", "alert", "lead", "huge", "hidden title", "7319", "/local", "x.png"])
def test_attributes_of_html_are_dropped_except_addresses_and_descriptions(attribute: str) -> None:
    assert attribute in PAGE
    text = text_of("a.html", PAGE)
    assert attribute not in text
    assert "the manual (https://example.com/lamps)" in text
    assert "a picture of the lamp" in text


def test_loose_text_of_html_is_kept_in_reading_order() -> None:
    page = "Before.<p>One.</p>\nBetween <b>bold</b> words.\n<div>Inside <p>Two.</p> a division.</div>After.\n"
    text = " ".join(text_of("a.html", f"<html><body>{page}</body></html>").split())
    assert text == "Before. One. Between bold words. Inside Two. a division. After."


@pytest.mark.parametrize("page", ["just words", "just <b>bold</b> words", "<body>just words</body>", "just<br>words"])
def test_html_without_any_block_keeps_its_words(page: str) -> None:
    assert "just" in text_of("a.html", page)
    assert "words" in text_of("a.html", page)


def test_paragraphs_that_are_not_closed_are_read_apart() -> None:
    """HTML lets authors omit the end tag."""
    assert text_of("a.html", "<p>One<p>Two").split("\n\n") == ["One", "Two"]


@pytest.mark.parametrize(
    "text",
    [
        "R&D at Müller & Söhne © 2026",
        "a < b > c",
        "List<String> and <script> are code",
        "&lt; is written for <",
        "# no heading",
        "1) first",
        "+ plus",
        "[x](y) and ![x](y)",
        "`code`",
        "> quote",
        "~~~",
        "---",
        "<!-- no comment -->",
        "*a* _b_ \\c",
    ],
)
def test_text_of_html_means_itself_after_its_entities_are_read(text: str) -> None:
    assert text_of("a.html", f"<p>before</p><p>{html.escape(text)}</p><p>after</p>") == f"before\n\n{text}\n\nafter"


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    page = "<table><tr><th>Key</th><th>Values</th></tr><tr><td>mode</td><td>on|off</td></tr></table>"
    assert "Values: on|off" in text_of("a.html", page)


def test_omitted_end_tags_are_added() -> None:
    assert text_of("a.html", "<ul><li>one<ul><li>inner</ul><li>two</ul>") == "- one\n  - inner\n- two"
    assert "a › b" in text_of("a.html", "<table><tr><td>a<td>b<tr><td>c<td>d</table>")
    assert text_of("a.html", "<p>one<p>two<div>three</div>four") == "one\n\ntwo\n\nthree\n\nfour"


def test_thousands_of_paragraphs_that_are_not_closed_are_read() -> None:
    assert "\n\n".join(f"word {number}" for number in range(3000)) == text_of(
        "a.html", "".join(f"<p>word {number}" for number in range(3000))
    )


def test_loose_text_cites_its_own_line() -> None:
    page = "<!-- one\ntwo -->\n<p>three</p>\n<script>\nfive\n</script>\nseven\n<h2>eight</h2>\n\nten\n"
    assert lines_of("a.html", page, "seven")[1] == 7
    assert lines_of("a.html", page, "ten") == (10, 10)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>中<b>重点：</b>内容</p>", "中重点：内容"),
        (
            "<p><a href='javascript:open()'>menu</a> and <a href='https://x.y/(a b'>link</a></p>",
            "menu and link (https://x.y/(a b)",
        ),
        ("<p>see <code>a\n# b</code> and <img alt='*x* ]'></p>", "see a # b and *x* ]"),
        ("<p><b>-</b> x<br><i>1</i>. y<br>+<b> z</b></p>", "- x\n1. y\n+ z"),
        ("<pre>```\n*x*\n````</pre>", "`````\n```\n*x*\n````\n`````"),
        (
            "<dl><dt>Lamp<dd>It shines.<dt>Lens<dd><p>One.<p>* Two.</dl>",
            "- Lamp\n  It shines.\n- Lens\n  One.\n  * Two.",
        ),
    ],
)
def test_markup_of_html_is_not_mistaken_for_text(page: str, text: str) -> None:
    assert text_of("a.html", page) == text


def test_an_invisible_character_of_an_entity_is_removed() -> None:
    assert text_of("a.html", "<p>a&#x202e;b&#x200b;<code>c&#x202e;d</code></p>") == "abcd"


def test_a_bold_paragraph_is_still_a_label() -> None:
    [chunk] = chunks_of("a.html", "<p><b>端口：</b></p>\n<ul><li>7311</li></ul>")
    assert (chunk.kind, chunk.content) == ("list", "端口：\n- 7311")


def test_a_bar_in_code_in_a_cell_does_not_end_the_cell() -> None:
    page = "<table><tr><th>K<th>V<tr><td>mode<td><code>on|off\\|x</code></table>"
    assert "V: on|off\\|x" in text_of("a.html", page)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(PUNCTUATION)
@example("\x85| ---")
def test_a_paragraph_of_html_loses_and_gains_only_white_space(text: str) -> None:
    assert "".join(text_of("a.html", f"<p>{html.escape(text)}</p>").split()) == "".join(text.split())
