"""Text is cut into sentences by one rule, which answers, citations and passages share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import split_clauses, split_sentences

sentence_like = st.lists(
    st.sampled_from(
        [
            "甲乙",
            "Go",
            "x",
            "3",
            "。",
            "！",
            "?",
            "!",
            ". ",
            "...",
            ".",
            "”",
            ")",
            '"',
            "**",
            "__",
            " [1]",
            "[2]",
            "\n",
            " ",
        ]
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("它免费。它快吗？当然！", ["它免费。", "它快吗？", "当然！"]),
        ("真的？！好。", ["真的？！", "好。"]),
        ("他说：“可以。”然后走了。", ["他说：“可以。”", "然后走了。"]),
        ("（见上文。）下一句。", ["（见上文。）", "下一句。"]),
        ("**要点。** 其余。", ["**要点。**", "其余。"]),
        ("完成。**要点**：其余", ["完成。", "**要点**：其余"]),
        ("你好!世界", ["你好!", "世界"]),
        ("It is free! Is it local? Yes.", ["It is free!", "Is it local?", "Yes."]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("It runs on HTTP. Then it stops.", ["It runs on HTTP.", "Then it stops."]),
        ("It was built in 1999. 2003 saw another.", ["It was built in 1999.", "2003 saw another."]),
        ("见 README. 然后运行", ["见 README.", "然后运行"]),
        ("one\ntwo\n\nthree", ["one", "two", "three"]),
    ],
)
def test_a_sentence_ends_with_its_marks_and_a_line_with_its_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "Open https://a.cn/?tab=b#c to see it.",
        "The condition is a != b.",
        "See node.js and v7.5.0 for details.",
        "The U.S. Army uses it.",
        "Compare it, e.g. Milvus vs. Faiss, with Dr. Smith.",
        "It stands in No. 5, Fig. 3 and Vol. 2.",
        "Use SELECT ... FROM t to read it.",
        "1. Install Python first.",
        "It reads config.yaml, .env and so on.",
    ],
)
def test_a_mark_within_a_sentence_does_not_cut_it(text: str) -> None:
    assert split_sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("它很快。[1][2] 它很大 [3]。", ["它很快。[1][2]", "它很大 [3]。"]),
        ("It is fast. [1] It is big.[2] Yes", ["It is fast. [1]", "It is big.[2]", "Yes"]),
        ("它很快。\n[1] 作者", ["它很快。", "[1] 作者"]),
    ],
)
def test_a_marker_on_the_same_line_belongs_to_the_sentence_before_it(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize("text", ["", "  \n ", "。", "?!", "...", "。\n！"])
def test_marks_alone_are_not_a_sentence(text: str) -> None:
    assert split_sentences(text) == []


@given(sentence_like | st.text(max_size=60))
def test_sentences_are_in_order_and_nothing_but_marks_and_white_space_is_lost(text: str) -> None:
    rest = text
    for sentence in split_sentences(text):
        before, found, rest = rest.partition(sentence)
        assert found
        assert not before.strip(" \n\t。！？!?.") or before.isspace() or not any(map(str.isalnum, before))
    assert not any(map(str.isalnum, rest))


@given(sentence_like | st.text(max_size=60))
def test_a_sentence_is_one_sentence(text: str) -> None:
    for sentence in split_sentences(text):
        assert "\n" not in sentence
        assert sentence == sentence.strip()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("先装；再跑。好", ["先装；", "再跑。", "好"]),
        ("First install; then run, e.g. now. Yes", ["First install;", "then run, e.g.", "now.", "Yes"]),
        ("one\ntwo", ["one\n", "two"]),
    ],
)
def test_clauses_are_cut_more_finely(text: str, clauses: list[str]) -> None:
    assert split_clauses(text) == clauses


@given(sentence_like | st.text(max_size=60))
def test_clauses_lose_nothing_but_white_space(text: str) -> None:
    assert "".join("".join(split_clauses(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("unit", [". ", "!", "? x", "e.g. X", "\n", '."', "1. ", "[1]", ". [1"])
def test_the_work_grows_with_the_length_of_the_text(unit: str) -> None:
    """A rule whose work is quadratic would run into the limit of the tests."""
    split_sentences(unit * 200_000)
    split_clauses(unit * 200_000)
