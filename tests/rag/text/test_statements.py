"""An answer is cut into statements, word for word, each with the passages that it cites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.statements import Statement, split_statements


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Milvus 是数据库 [1]。", [("Milvus 是数据库 [1]。", (1,))]),
        ("Milvus 是数据库。[1][2]", [("Milvus 是数据库。", (1, 2))]),
        ("它很快。它很大 [3]。", [("它很快。", (3,)), ("它很大 [3]。", (3,))]),
        ("它很快 [3]。它很大。", [("它很快 [3]。", (3,)), ("它很大。", (3,))]),
        ("它很快 [3]。\n\n它很大。", [("它很快 [3]。", (3,)), ("它很大。", ())]),
        ("有两种 [2]：\n\n- 甲\n- 乙 [1]", [("有两种 [2]：", (2,)), ("甲", (2,)), ("乙", (1,))]),
        ("有两种：\n- 甲 [1]\n- 乙", [("甲", (1,)), ("乙", ())]),
        ("# 标题\n\n**要点**\n\n---\n\n正文 [1]", [("正文", (1,))]),
        ("| 名 | 值 |\n|---|---|\n| 甲 | 1 [1] |", [("| 甲 | 1 [1] |", (1,))]),
        ("运行 [1]：\n```sh\nls. Go\n```", [("运行 [1]：", (1,)), ("```sh\nls. Go\n```", (1,))]),
        ("Use e.g. Go 3.5. Then run it. [1]", [("Use e.g. Go 3.5.", (1,)), ("Then run it.", (1,))]),
        ("It is a.b.c. [2] Yes!", [("It is a.b.c.", (2,)), ("Yes!", (2,))]),
        ("。\n\n！[1]", []),
        ("甲。看 `a.cn?x。b` [1]。乙。", [("甲。", (1,)), ("看 `a.cn?x。b` [1]。", (1,)), ("乙。", (1,))]),
        ("甲 `没有结束。乙 [1]。", [("甲 `没有结束。", (1,)), ("乙 [1]。", (1,))]),
    ],
)
def test_statements_have_the_markers_that_are_meant_for_them(
    text: str, found: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(statement.text, statement.numbers) for statement in split_statements(text)] == found


@given(
    st.lists(
        st.sampled_from(
            ["甲乙", "。", "\n", "- ", "| a |", "```", "[1]", " [2]", ". ", "!", "# ", "：", "x", "**", "`"]
        ),
        max_size=20,
    ).map("".join)
)
def test_every_statement_is_word_for_word_in_the_answer(text: str) -> None:
    for statement in split_statements(text):
        assert isinstance(statement, Statement)
        assert statement.text in text
        assert statement.text == statement.text.strip()
