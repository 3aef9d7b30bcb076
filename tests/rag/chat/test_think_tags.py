"""Reasoning in tags at the beginning of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.chat.think_tags import ThinkTagFilter


def split(pieces: list[str]) -> tuple[str, str]:
    """The reasoning and the text."""
    thinking = ThinkTagFilter()
    found = [piece for text in pieces for piece in thinking.feed(text)] + thinking.finish()
    assert all(piece.text for piece in found)
    reasoning = "".join(piece.text for piece in found if isinstance(piece, ReasoningDelta))
    return reasoning, "".join(piece.text for piece in found if isinstance(piece, TextDelta))


@pytest.mark.parametrize(
    ("whole", "reasoning", "text"),
    [
        ("好", "", "好"),
        ("<think>嗯</think>好", "嗯", "好"),
        ("\n<think>\n嗯\n</think>\n\n好\n", "\n嗯\n", "好\n"),
        ("<think></think>好", "", "好"),
        ("<think>嗯", "嗯", ""),
        ("<think>a < b </th</think>好", "a < b </th", "好"),
        ("<thin", "", "<thin"),
        (" <b>好</b>", "", " <b>好</b>"),
        ("标签 <think> 是什么</think>", "", "标签 <think> 是什么</think>"),
        ("<think>一</think>好<think>二</think>", "一", "好<think>二</think>"),
        ("", "", ""),
    ],
)
def test_only_a_tag_at_the_beginning_opens_reasoning_however_the_text_is_cut(
    whole: str, reasoning: str, text: str
) -> None:
    assert split([whole]) == (reasoning, text)
    assert split(list(whole)) == (reasoning, text)


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "ink>", "好", " ", "\n", "x"]), max_size=12))
def test_how_a_text_is_cut_makes_no_difference(pieces: list[str]) -> None:
    assert split(pieces) == split(["".join(pieces)]) == split(list("".join(pieces)))


def test_text_that_is_not_reasoning_is_passed_on_at_once() -> None:
    thinking = ThinkTagFilter()
    assert thinking.feed("a") == [TextDelta("a")]
    assert thinking.feed("<think>") == [TextDelta("<think>")]
