"""The links under an answer for chat clients: Markdown readers show them correctly for every heading."""

from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from api.openai.annotations import annotations, footer, without_footer
from rag.types import Answer, Citation

BASE = "https://kb.example.com"
TEXT = "Milvus 是向量数据库 [1]，Dify 是平台 [2][1]。"
LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20).map(
    lambda text: " ".join(text.split())
)


def answer(*headings: str, source: str = "a.md", unverified: tuple[str, ...] = ()) -> Answer:
    citations = tuple(
        Citation(number, source, (heading,), "", 3, 4, "quote", f"/docs/{quote(source)}?lines=3-4#passage")
        for number, heading in enumerate(headings, 1)
    )
    return Answer(TEXT, citations, "test", 1, "0" * 32, unverified=unverified)


def links(markdown: str) -> list[tuple[str, str]]:
    """The text and address of each link, as a reader of CommonMark sees them."""
    found: list[tuple[str, str]] = []
    for block in MarkdownIt("commonmark").parse(markdown):
        children: list[Token] = block.children or []
        for at, token in enumerate(children):
            if token.type == "link_open":
                end = next(after for after in range(at, len(children)) if children[after].type == "link_close")
                inside = "".join(child.content for child in children[at + 1 : end])
                found.append((inside, str(token.attrs["href"])))
    return found


@given(LINE, LINE)
@example("a](https://evil.example)[b", "[x][y] `code` *b* _c_ <script> | \\")
@example("![i](https://evil.example/i.png)", "https://evil.example and www.evil.example")
@example("&lt; &amp; &#91;", "a\\](b)")
def test_a_heading_never_becomes_anything_but_the_text_of_its_link(heading: str, source: str) -> None:
    made = answer(heading, "Plain", source=source)
    url = f"{BASE}/docs/{quote(source)}?lines=3-4#passage"
    shown = links(TEXT + footer(made, BASE, "zh", with_links=True))
    assert shown == [(f"{source} › {heading}", url), (f"{source} › Plain", url)]


@given(st.lists(LINE, max_size=2), st.lists(LINE, max_size=2), st.sampled_from(["zh", "en"]))
def test_the_links_under_an_answer_can_be_removed_again(headings: list[str], doubts: list[str], language: str) -> None:
    made = answer(*headings, unverified=tuple(doubts))
    under = footer(made, BASE, "zh" if language == "zh" else "en", with_links=True)
    assert bool(under) == bool(headings or doubts)
    assert without_footer(TEXT + under) == TEXT
    assert without_footer(TEXT) == TEXT


def test_every_citation_is_annotated_once_at_its_first_marker() -> None:
    found = [one.url_citation for one in annotations(answer("A", "B"), BASE)]
    assert [TEXT[one.start_index : one.end_index] for one in found] == ["[1]", "[2]"]
    assert [one.start_index for one in found] == [TEXT.index("[1]"), TEXT.index("[2]")]
    assert [one.title for one in found] == ["a.md › A", "a.md › B"]
