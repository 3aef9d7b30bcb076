"""Citations can lead to the page that people know instead of to this service."""

import pytest

from rag.document_url import passage_url
from rag.published_url import PassageUrls, check_url_template
from rag.types import Chunk, MetadataValue


def chunk(source: str = "guide/setup.md", anchor: str = "大小写", **metadata: MetadataValue) -> Chunk:
    return Chunk("1", source, "T", ("T",), anchor, "text", 0, "g", 3, 5, "text", metadata)


@pytest.mark.parametrize(
    ("template", "source", "url"),
    [
        ("https://docs.example.com/{path}", "guide/setup.md", "https://docs.example.com/guide/setup"),
        ("https://docs.example.com/{path}", "guide/index.md", "https://docs.example.com/guide/"),
        ("https://docs.example.com/{path}.html", "a b.md", "https://docs.example.com/a%20b.html"),
        ("http://wiki/{path}", "README.md", "http://wiki/"),
        ("https://a.example/{path}#{anchor}", "x.md", "https://a.example/x#%E5%A4%A7%E5%B0%8F%E5%86%99"),
        (
            "https://git.example/blob/main/{source}#L{line}-L{end_line}",
            "v1.2/x.md",
            "https://git.example/blob/main/v1.2/x.md#L3-L5",
        ),
        ("https://a.example/{path}", "規(1).md", "https://a.example/%E8%A6%8F%281%29"),
    ],
)
def test_the_template_gives_the_address_of_the_published_page(template: str, source: str, url: str) -> None:
    assert PassageUrls(check_url_template(template)).of(chunk(source)) == url


def test_the_lines_are_those_that_are_quoted_and_an_empty_anchor_leaves_no_sign() -> None:
    assert PassageUrls("https://a/{source}#L{line}").of(chunk(), range(4, 5)) == "https://a/guide/setup.md#L4"
    assert PassageUrls("https://a/{path}#{anchor}").of(chunk(anchor="")) == "https://a/guide/setup"


def test_an_address_in_front_matter_goes_first() -> None:
    urls = PassageUrls("https://a.example/{path}")
    assert urls.of(chunk(url="https://b.example/x", anchor="")) == "https://b.example/x"
    assert urls.of(chunk(permalink="https://b.example/x", anchor="part")) == "https://b.example/x#part"
    assert PassageUrls().of(chunk(url="https://b.example/x#own", anchor="part")) == "https://b.example/x#own"
    assert PassageUrls().of(chunk(url="https://b.example/a b(c)", anchor="")) == "https://b.example/a%20b%28c%29"


@pytest.mark.parametrize(
    "value", ["/guide/setup", "setup", "javascript:alert(1)", "https://", "ftp://a/b", 7, True, ""]
)
def test_anything_else_in_front_matter_is_no_address(value: MetadataValue) -> None:
    assert PassageUrls().of(chunk(url=value, permalink=value)) == passage_url(chunk())


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://a.example/", "must contain {path} or {source}"),
        (
            "https://a.example/{slug}",
            "unknown placeholder {slug}; there are {path}, {source}, {anchor}, {line}, {end_line}",
        ),
        ("https://a.example/{path!r}", "unknown placeholder"),
        ("https://a.example/{path:>9}", "unknown placeholder"),
        ("https://a.example/{path.__class__}", "unknown placeholder"),
        ("https://a.example/{}", "unknown placeholder"),
        ("https://a.example/{path", "brace"),
        ("/docs/{path}", "must begin with https://"),
        ("javascript:{path}", "must begin with https://"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_with_the_way_out(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check_url_template(template)
    assert problem in str(caught.value)
