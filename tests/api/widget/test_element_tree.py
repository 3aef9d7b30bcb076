"""Trees of elements: they say what the HTML says."""

from html import escape

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from api.page.answer_html import answer_html
from api.widget.element_tree import element_tree

MARKDOWN = (
    "# Title\n\nA *line* of `code & <tags>` [1].\nNext\n\n3. three\n4. four\n\n> quoted\n\n```sh\na < b\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | https://a.example/?x=1&y=2 |\n\n---\n"
)
PIECES = st.lists(
    st.sampled_from([*MARKDOWN.split(" "), "<b>", "</b>", "&lt;", "[1]", "<img src=x onerror=y>", "\n\n", "| x"])
)


def html_of(nodes: list[JsonValue]) -> str:
    written = ""
    for node in nodes:
        if isinstance(node, str):
            written += escape(node, quote=False)
            continue
        assert isinstance(node, list)
        tag, attributes, inner = node
        assert isinstance(attributes, dict)
        assert isinstance(inner, list)
        written += f"<{tag}" + "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items()) + ">"
        written += "" if tag in ("br", "hr") else f"{html_of(inner)}</{tag}>"
    return written


def test_a_tree_has_every_element_attribute_and_text_of_the_html() -> None:
    blocks = answer_html(MARKDOWN, [1])
    assert len(blocks) > 6
    for block in blocks:
        assert html_of(element_tree(block)) == block


@given(PIECES)
def test_a_tree_of_any_answer_says_what_its_html_says(pieces: list[str]) -> None:
    for block in answer_html(" ".join(pieces), [1]):
        assert html_of(element_tree(block)) == block
