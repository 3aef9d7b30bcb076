"""Colours of code change nothing of the code."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page.code_html import CodeWriter
from api.page.document_html import line_range, render_document
from api.page.highlighting import LANGUAGES, MAX_CHARACTERS, highlighted
from api.page.marks import MarkablePlaces
from ingest.chunking.blocks import Block
from ingest.chunking.inline_text import Line
from ingest.readers.parse import parse_document


def rendered(text: str, lines: str = "") -> str:
    return render_document(parse_document("a.md", text.encode())).html(line_range(lines))


@given(
    st.text(st.sampled_from("ab1_ \t\n'\"#/*<>&{}()[]=:;$`\\\r\ufeff中"), max_size=60),
    st.sampled_from(("python", "js", "bash", "yaml", "html", "c", "php", "sql", "diff", "console")),
)
def test_the_pieces_give_the_code(code: str, language: str) -> None:
    lines = highlighted(code, language)
    assert lines is None or ["".join(text for text, _ in line) for line in lines] == code.split("\n")


def test_parts_of_known_languages_have_classes() -> None:
    html = rendered("```py\n# why\ndef f() -> str:\n    return 'a<b' + 1\n```\n")
    assert '<span class="code-comment"># why</span>\n<span class="code-keyword">def</span>' in html
    assert "<span class=\"code-string\">'a&lt;b'</span>" in html
    assert "code-" in rendered("``` YAML\na: 1\n```")
    assert "code-" in rendered("<pre><code class='language-go'>func main() {}</code></pre>")


@pytest.mark.parametrize("language", ["", "mermaid", "no-such-language", "text", "smithy"])
def test_code_of_any_other_language_is_plain(language: str) -> None:
    assert rendered(f"```{language}\ndef f(): # x\n```") == '<pre tabindex="0"><code>def f(): # x\n</code></pre>\n'


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_is_one_that_pygments_has(language: str) -> None:
    assert highlighted("x", language)


def test_long_code_and_what_follows_the_time_limit_is_plain() -> None:
    assert "code-" not in rendered(f"```py\n{'x = 1' + chr(10) * MAX_CHARACTERS}y\n```")
    block = Block("code", 1, 3, lines=(Line("x = 1", 2, 2),), fence="py")
    writer = CodeWriter(MarkablePlaces(), lambda name, attributes: f"<{name} {attributes}>", max_seconds=1e-9)
    assert "code-number" in writer.write(block)
    assert "code-number" not in writer.write(block)


def test_cited_lines_of_coloured_code_are_marked() -> None:
    html = rendered('```py\na = """one\ntwo\nthree"""\nb = 2\n```\n', "3-4")
    marked = re.search(r'<span class="cited" id="passage">(.*?)</span>\nb = ', html, re.DOTALL)
    assert marked
    assert re.sub("<[^>]+>", "", marked[1]) == 'two\nthree"""'


def test_formulas_are_shown_as_written() -> None:
    assert rendered("so $a_1 < b$ and\n\n$$\n\\frac{a}{b}\n$$\n") == (
        '<p>so $a_1 &lt; b$ and</p>\n<pre class="plain"><code>$$\n\\frac{a}{b}\n$$\n</code></pre>\n'
    )
