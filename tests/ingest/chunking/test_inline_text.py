import pytest

from ingest.chunking.inline_text import inline_text, is_label
from ingest.markup.markdown_tree import markdown_tree
from ingest.markup.tree import Element, Node


def nodes(markdown: str) -> list[Node]:
    for paragraph in markdown_tree(markdown).children:
        assert isinstance(paragraph, Element)
        return paragraph.children
    return []


def plain(markdown: str, *, with_links: bool = True) -> str:
    return inline_text(nodes(markdown), with_links=with_links)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**bold** *em* ~x~ `code|x`", "bold em ~x~ code|x"),
        ("a\nb", "a b"),
        ("汉\n字", "汉字"),
        ("汉。\n字", "汉。\n字"),
        ("汉\nb", "汉 b"),
        ("a  \nb", "a\nb"),
        ("a\\\nb", "a\nb"),
        ("a<br>b<br/>c<BR />d</br>e", "a\nb\nc\nd\ne"),
        ("汉<br>字", "汉\n字"),
        ("<u>x</u> <!-- hidden -->y", "x y"),
        ("&amp; &lt; &#x4e2d;", "& < 中"),
        (r"a \| b \* c", "a | b * c"),
        ("![alt *text*](i.png)", "alt text"),
        ("", ""),
    ],
)
def test_inline_markdown_reads_as_a_reader_sees_it(markdown: str, expected: str) -> None:
    assert plain(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("<https://dify.ai/zh>", "https://dify.ai/zh"),
        ("<me@example.com>", "me@example.com"),
        ("[Dify](https://dify.ai/zh)", "Dify (https://dify.ai/zh)"),
        ('[**官网**](https://dify.ai "T") 好', "官网 (https://dify.ai) 好"),
        ("[https://x.y](https://x.y)", "https://x.y"),
        ("[write to us](mailto:a@b.c)", "write to us (mailto:a@b.c)"),
        ("[![logo](l.png)](https://x.y)", "logo (https://x.y)"),
        ("[a](https://x.y) [b](https://z.w)", "a (https://x.y) b (https://z.w)"),
        ("[here][ref]", "[here][ref]"),
    ],
)
def test_an_external_address_stays_readable(markdown: str, expected: str) -> None:
    assert plain(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "address"),
    [
        ("[docs](https://docs.python.org/3/)", "https://docs.python.org/3/"),
        ("[milvus](https://milvus.io/docs)", "https://milvus.io/docs"),
        ("[zh](https://dify.ai/zh)", "https://dify.ai/zh"),
        ("[mail](mailto:a@b.c)", "mailto:a@b.c"),
        ("[](https://x.y)", "https://x.y"),
        ("[![](logo.png)](https://x.y)", "https://x.y"),
    ],
)
def test_an_address_is_kept_even_if_the_text_is_part_of_it(markdown: str, address: str) -> None:
    """The address is repeated only if the text is something else."""
    assert address in plain(markdown)


def test_a_relative_address_is_not_shown() -> None:
    assert plain("[guide](./guide.md#a) [top](#top)") == "guide top"


def test_addresses_can_be_left_out() -> None:
    assert plain("[Dify](https://dify.ai/zh)", with_links=False) == "Dify"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**学提示词**", True),
        ("**a *b* `c`**", True),
        ("**a** b", False),
        ("a **b**", False),
        ("**a** **b**", False),
        ("*a*", False),
        ("a", False),
        ("", False),
    ],
)
def test_a_paragraph_that_is_bold_throughout_is_a_label(markdown: str, expected: bool) -> None:
    assert is_label(nodes(markdown)) is expected


def test_an_html_block_is_read_without_tags_and_comments() -> None:
    html = '<div class="x">\n  Hello <b>x</b><br>y\n<!-- hidden\ncomment -->\n\n</div>'
    assert plain(html) == "Hello x\ny"


def test_a_comparison_in_an_html_block_is_not_a_tag() -> None:
    assert plain("<p>1 < 2 and 3 > 2</p>") == "1 < 2 and 3 > 2"
