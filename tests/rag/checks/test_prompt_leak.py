"""What the model was told is not told to the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.checks.prompt_leak import PromptLeakFilter

RULES = "规则：\n1. 只用下面给出的段落，不用别的知识，不猜测。\n2. 只输出 NOT_IN_PASSAGES，不写别的。"


def filtered(pieces: list[str] | str, material: str = "") -> str:
    echo = PromptLeakFilter(RULES, material=material, words=["NOT_IN_PASSAGES"])
    return "".join([*map(echo.feed, pieces), echo.finish()])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("我的规则是：只用下面给出的段落，不用别的知识，不猜测。完了", "我的规则是：完了"),
        ("只 用 下 面 给 出 的 段 落 不 用 别 的", ""),
        ("只-用-下-面-给-出-的-段-落-不-用-别-的知识好", "好"),
        ("Milvus 是数据库 [1]。NOT_IN_PASSAGES", "Milvus 是数据库 [1]。"),
        ("not in passages!", ""),
    ],
)
def test_a_run_of_the_instructions_is_left_out(text: str, left: str) -> None:
    assert filtered([text]).strip("！!。 ") == left.strip("。 ")


@pytest.mark.parametrize("text", ["只用下面给出的段落。", "规则：先安装，再配置。", "NOT only Milvus [1].", "", "，。"])
def test_less_than_a_run_stays(text: str) -> None:
    assert filtered([text]) == text


def test_text_that_the_passages_have_too_is_not_a_leak() -> None:
    text = "手册写道：只用下面给出的段落，不用别的知识，不猜测。"
    assert filtered([text], material=RULES) == text


@given(st.lists(st.sampled_from([*RULES, RULES[3:20], "NOT_IN", "_PASSAGES", "Milvus ", "好"]), max_size=12))
def test_it_does_not_matter_how_a_text_is_split(pieces: list[str]) -> None:
    assert filtered(pieces) == filtered("".join(pieces)) == filtered(["".join(pieces)])


@given(st.text(alphabet="只用下面给出的段落不用别的知识，好 "))
def test_no_run_of_the_instructions_gets_through(text: str) -> None:
    shown = "".join(char for char in filtered([text]) if char.isalnum())
    rules = "".join(char for char in RULES if char.isalnum())
    assert not any(shown[start : start + 23] in rules for start in range(len(shown) - 22))
