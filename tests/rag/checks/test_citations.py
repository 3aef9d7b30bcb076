"""Only markers that were offered get through, and each leads to an exact quote."""

import itertools
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.checks.citations import MAX_QUOTE_CHARACTERS, MarkerFilter, build_citations, cited_numbers
from rag.document_url import passage_url
from rag.retrieval.evidence import Evidence
from rag.types import Chunk, ChunkKind, Hit, Passage

OFFERED = (1, 2, 3, 12)

TEXTS = [
    "Ollama 是平台 [1]。",
    "Ollama 是平台[12]，可以本地部署[1][2]。",
    "两种写法【2】与［3］。",
    "Both [1, 2] and [1，3] and [2、12] and [1;3].",
    "Spaces [ 1 ] and tabs\t[2] and [\n3 ].",
    "Footnotes [^1] and [^99].",
    "Unoffered [99], [0], [1, 99], [98][99].",
    "Mixed brackets [1】 and 【2] and ［12].",
    "[not a marker] and [1 not either] and [link](https://a.cn/?b[0]=c).",
    "The array a[0] and a[1] and a[i] and [].",
    "It ends with a bracket [",
    "It ends with half a marker [1",
    "It ends with white space [1]   ",
    "[[1]] and [[99]] and [1[2]3].",
    "Long numbers [12345] and [123456789].",
    "full width [１] and [１２]",
    "[1]",
    "",
    " [99] ",
    "line one [1]\n\n- item [2]\n- item [99]\n",
]


def filtered(pieces: Iterable[str], offered: tuple[int, ...] = OFFERED) -> str:
    markers = MarkerFilter(offered)
    return "".join([*(markers.feed(piece) for piece in pieces), markers.finish()])


def pieces_of(text: str, cuts: Iterable[int]) -> list[str]:
    bounds = [0, *sorted(cuts), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


MARKER_PIECES = ["[", "]", "【", "】", "［", "］", "1", "2", "12", "99", "９", ",", "、", " ", "^", "\n", "a", "。"]
marker_like = st.lists(st.sampled_from(MARKER_PIECES), max_size=20).map("".join)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("平台 [1]。", "平台 [1]。"),
        ("平台[1]。", "平台 [1]。"),
        ("平台   [1]。", "平台 [1]。"),
        ("平台【1】［2］", "平台 [1] [2]"),
        ("a [1][2]", "a [1] [2]"),
        ("a [1, 2]", "a [1][2]"),
        ("a [1，2、3；12]", "a [1][2][3][12]"),
        ("a [^1]", "a [1]"),
        ("a [１]", "a [1]"),
        ("a [99].", "a."),
        ("a [0].", "a."),
        ("a [1, 99].", "a [1]."),
        ("a [98, 99].", "a."),
        ("[not a marker]", "[not a marker]"),
        ("a[i]", "a[i]"),
        ("half [1", "half [1"),
        ("half [", "half ["),
    ],
)
def test_markers_come_out_in_one_form_and_only_if_offered(text: str, clean: str) -> None:
    assert filtered([text]) == clean


@pytest.mark.parametrize("text", TEXTS)
def test_it_does_not_matter_where_a_text_is_split(text: str) -> None:
    whole = filtered([text])
    for cut in range(len(text) + 1):
        assert filtered(pieces_of(text, [cut])) == whole
    for cuts in itertools.combinations(range(len(text) + 1), 2):
        assert filtered(pieces_of(text, cuts)) == whole
    assert filtered(text) == whole, "character by character"


@given(marker_like, st.sets(st.integers(0, 60)))
def test_it_does_not_matter_how_any_text_is_split(text: str, cuts: set[int]) -> None:
    assert filtered(pieces_of(text, (cut for cut in cuts if cut <= len(text)))) == filtered([text])


@pytest.mark.parametrize(
    "text",
    [
        "a [" + ", ".join(str(number) for number in range(1, 31)) + "]",
        "a" + " " * 80 + "[1]",
        "a [1" + " " * 80 + "]",
        "a [" + " " * 80 + "99]",
    ],
    ids=["thirty numbers", "white space before", "white space after", "white space within"],
)
def test_it_does_not_matter_where_a_very_long_marker_is_split(text: str) -> None:
    offered = tuple(range(1, 31))
    assert filtered(text, offered) == filtered([text], offered)


@given(marker_like | st.text(max_size=40), st.sets(st.integers(0, 40)))
@example("[9[0]9]", set())
@example("[9 [98]9]", {3})
@example("see [10054]", set())
def test_no_marker_that_was_not_offered_gets_through(text: str, cuts: set[int]) -> None:
    clean = filtered(pieces_of(text, (cut for cut in cuts if cut <= len(text))))
    assert set(cited_numbers(clean)) <= set(OFFERED)


def test_ten_thousand_streams_show_no_marker_that_was_not_offered() -> None:
    """The same ten thousand each time; without hypothesis, which takes a hundred times as long for so many."""
    rng = random.Random(7)  # noqa: S311  (no secret)
    for _ in range(10_000):
        text = "".join(rng.choices(MARKER_PIECES, k=rng.randint(0, 20)))
        size = rng.randint(1, 5)
        clean = filtered(text[start : start + size] for start in range(0, len(text), size))
        assert set(cited_numbers(clean)) <= set(OFFERED), (text, size)


@given(st.text(alphabet=st.characters(exclude_characters="[【［ \t"), max_size=80), st.integers(1, 7))
def test_a_text_without_markers_passes_unchanged(text: str, size: int) -> None:
    assert filtered(text[start : start + size] for start in range(0, len(text), size)) == text


def test_white_space_that_precedes_no_marker_stays() -> None:
    for text in ("a  b\t c ", "  indented\n    code\n", "trailing   "):
        assert filtered(text) == filtered([text]) == text


def test_text_goes_out_as_soon_as_it_is_certain() -> None:
    markers = MarkerFilter(OFFERED)
    assert markers.feed("Ollama 是平台") == "Ollama 是平台"
    assert markers.feed(" [") == ""
    assert markers.feed("1") == ""
    assert markers.feed("] 。") == " [1] 。"
    assert markers.finish() == ""


def test_a_bracket_that_opens_no_marker_is_not_held_back() -> None:
    markers = MarkerFilter(OFFERED)
    assert markers.feed("[x") == "[x"
    assert markers.feed("[1 a") == "[1 a"


def test_a_bracket_that_never_closes_is_not_held_back_for_ever() -> None:
    markers = MarkerFilter(OFFERED)
    assert sum(len(markers.feed(piece)) for piece in ["[", *["1, "] * 1000]) > 1000


def test_numbers_are_listed_in_order_of_appearance_each_once() -> None:
    assert cited_numbers("b [2] a [1][3] again [2]") == [2, 1, 3]
    assert cited_numbers("none") == []


# --- citations -------------------------------------------------------------------------------------------------------

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
    st.lists(st.sampled_from(["Ollama 是平台", "。", "\n- ", "[1]", "[2]", " ", "!", "x"]), max_size=12),
    st.sampled_from(["text", "list", "code", "table", "row"]),
)
def test_every_marker_gets_a_citation_whose_quote_stands_in_its_passage(
    content: list[str], text: list[str], kind: ChunkKind
) -> None:
    passages = evidence(passage(1, "".join(["x", *content]), kind), passage(2, PAGE))
    clean = filtered(["".join(text)], (1, 2))
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
            assert (citation.start_line, citation.end_line) == (one.chunk.start_line, one.chunk.end_line)
            assert citation.url == passage_url(one.chunk)
