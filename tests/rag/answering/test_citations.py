"""Each marker of an answer leads to an exact quote from the passage."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.citations import MAX_QUOTE_CHARACTERS, build_citations, cite_quotes
from rag.answering.quote import choose_quotes
from rag.checks.citation_markers import MarkerFilter
from rag.document_url import document_url, passage_url
from rag.retrieval.evidence import Evidence
from rag.types import Chunk, ChunkKind, Hit, Passage

PAGE = "Ollama 是在本地运行大模型的平台。它用 Go 写成！硅基流动提供大模型 API。Dify 是 LLMOps 平台。"
LIST = "- Coze（在线）\n- Cherry Studio\n- Ollama（本地）"


def passage(number: int, content: str, kind: ChunkKind = "text", anchor: str = "anchor") -> Passage:
    chunk = Chunk(
        id=str(number),
        source=f"{number}.md",
        title="标题",
        heading_path=("标题", f"第 {number} 节"),
        anchor=anchor,
        kind=kind,
        position=number,
        group=str(number),
        start_line=10 * number,
        end_line=10 * number + 3,
        content=content,
    )
    return Passage(number, Hit(chunk, 1.0, 0.9, 0.5))


def evidence(*passages: Passage) -> Evidence:
    return Evidence("问题", "zh", passages, {"ollama": 2.0}, 0.9)


def test_a_citation_says_where_its_passage_stands() -> None:
    (citation,) = build_citations("Ollama 是平台 [2]。", evidence(passage(1, LIST), passage(2, PAGE)))
    assert citation.number == 2
    assert citation.source == "2.md"
    assert citation.heading_path == ("标题", "第 2 节")
    assert (citation.start_line, citation.end_line) == (20, 23)
    assert citation.anchor == "anchor"
    assert citation.url == "/docs/2.md?lines=20-23#passage"


def test_the_url_of_a_citation_survives_any_name_of_a_file() -> None:
    chunk = replace(passage(1, PAGE).chunk, source="指南/100% sure?#1.md", start_line=3, end_line=4)
    path, _, query = passage_url(chunk).partition("?")
    assert unquote(path) == "/docs/指南/100% sure?#1.md"
    assert "#" not in path
    assert query == "lines=3-4#passage"


def test_citations_come_in_the_order_of_their_markers_each_once() -> None:
    found = build_citations("Dify [2]。Ollama [1][2]。", evidence(passage(1, LIST, "list"), passage(2, PAGE)))
    assert [citation.number for citation in found] == [2, 1]


def test_a_text_without_markers_has_no_citations() -> None:
    assert build_citations("Ollama 是平台。", evidence(passage(1, PAGE))) == ()


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Ollama 可以在本地运行大模型 [1]。", "Ollama 是在本地运行大模型的平台。"),
        ("供应商是硅基流动。 [1]", "硅基流动提供大模型 API。"),
        ("它的语言是 Go [1]。", "它用 Go 写成！"),
        ("它用 Go 写成 [1]。供应商是硅基流动 [1]。", "它用 Go 写成！硅基流动提供大模型 API。"),
        ("SiliconFlow is 硅基流动. It is written in Go [1].", "它用 Go 写成！"),
        ("它的语言是 Go。\n\n[1]", "它用 Go 写成！"),
    ],
)
def test_the_quote_is_what_the_citing_sentences_rest_on(text: str, quote: str) -> None:
    assert build_citations(text, evidence(passage(1, PAGE)))[0].quote == quote


def test_a_list_item_is_quoted_as_it_stands() -> None:
    assert build_citations("本地的是 Ollama [1]", evidence(passage(1, LIST, "list")))[0].quote == "- Ollama（本地）"


def test_a_quote_that_would_span_too_much_is_the_first_unit_alone() -> None:
    content = "开头是 Ollama。" + "中间是别的内容。" * 100 + "结尾是 Dify。"
    (citation,) = build_citations("Ollama [1]。结尾 Dify [1]。", evidence(passage(1, content)))
    assert citation.quote == "开头是 Ollama。"
    assert len(citation.quote) <= MAX_QUOTE_CHARACTERS


def test_a_citing_sentence_that_shares_no_word_still_gets_a_quote() -> None:
    (citation,) = build_citations("Completely different words [1].", evidence(passage(1, PAGE)))
    assert citation.quote in PAGE
    assert citation.quote


@pytest.mark.parametrize("content", ["！！！", "???", "🙂", "```\n```"])
def test_a_passage_without_sentences_can_be_cited(content: str) -> None:
    (citation,) = build_citations("如此 [1]。", evidence(passage(1, content)))
    assert citation.quote in content


@given(
    st.lists(
        st.sampled_from(["Ollama", "平台", "。", "！", "\n", " ", "- ", "| a | b |", "```", "[1]", "[2]"]), min_size=1
    ),
    st.lists(st.sampled_from(["Ollama 是平台", "。", "\n- ", "[1]", "[2]", " ", "!", "字"]), max_size=12),
    st.sampled_from(["text", "list", "code", "table", "row"]),
)
def test_every_marker_gets_a_citation_whose_quote_stands_in_its_passage(
    content: list[str], text: list[str], kind: ChunkKind
) -> None:
    passages = evidence(passage(1, "".join(["x", *content]), kind), passage(2, PAGE))
    markers = MarkerFilter((1, 2))
    clean = markers.feed("".join(text)) + markers.finish()
    found = build_citations(clean, passages)
    assert [citation.number for citation in found] == [int(n) for n in dict.fromkeys(re.findall(r"\[(\d)\]", clean))]
    for citation in found:
        assert citation.quote in passages.passages[citation.number - 1].chunk.content


def test_quotes_of_the_shipped_knowledge_stand_in_their_passages(evidence_of: Callable[[str], Evidence]) -> None:
    for question in (
        "向量数据库有哪些知名组件？",
        "学习路线",
        "AIGC 开发平台有哪些？",
        "Embedding Model 主要是干什么用的？",
    ):
        shipped = evidence_of(question)
        for one in shipped.passages:
            (citation,) = build_citations(f"{question} [{one.number}]", shipped)
            assert citation.quote in one.chunk.content
            assert one.chunk.start_line <= citation.start_line <= citation.end_line <= one.chunk.end_line
            lines = range(citation.start_line, citation.end_line + 1)
            assert citation.url == document_url(one.chunk.source, lines)


def test_a_citation_points_at_the_lines_that_are_quoted() -> None:
    content = "平台：\n- Coze\n- Ollama\n- Dify"
    found = passage(1, content, "list")
    (citation,) = build_citations("Ollama [1]。Dify [1]。", evidence(found))
    assert (citation.start_line, citation.end_line) == (12, 13)
    assert citation.url == "/docs/1.md?lines=12-13#passage"


def test_a_quoted_list_is_cited_with_its_lead_in_even_if_it_is_too_long_to_repeat() -> None:
    items = [f"- 平台{number}：{'很' * 40}" for number in range(20)]
    chunk = replace(passage(1, "\n".join(["Ollama 的平台：", *items]), "list").chunk, start_line=5, end_line=25)
    (citation,) = cite_quotes(choose_quotes(evidence(Passage(1, Hit(chunk, 1.0, 0.9, 0.5)))).quotes)
    assert (citation.start_line, citation.end_line) == (5, 25)
    assert citation.quote == "Ollama 的平台："
