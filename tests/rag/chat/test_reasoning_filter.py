"""Reasoning that a server leaves in the text: no reader sees it, and the answer stays as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chat.protocol import ReasoningDelta, TextDelta, TextRetracted
from rag.chat.reasoning_filter import ReasoningFilter
from rag.chat.reasoning_tags import OPENINGS, PAIRS, WRAPPERS

THOUGHT = "秘密的思考"
ANSWERS = [
    "年假有 10 天 [1]。",
    "The warranty lasts 36 months [1].",
    "用 `sys.argv[1]` [1]。\n\n```xml\n<think>\n</think>\n```\n完 [2]",
    "标签 `</think>` 结束思考 [1]。",
    "If a < b and b > c, then [1].\n| x | y |\n",
]


def read(pieces: list[str], *, holds: bool = False) -> tuple[str, str, str]:
    """The reasoning, the text, and all text that a reader of the stream has seen."""
    reasoning_filter = ReasoningFilter(holds=holds)
    found = [piece for text in pieces for piece in reasoning_filter.feed(text)] + reasoning_filter.finish()
    reasoning = text = seen = ""
    for piece in found:
        match piece:
            case ReasoningDelta(part):
                assert part
                reasoning += part
            case TextDelta(part):
                assert part
                text += part
                seen += part
            case TextRetracted():
                reasoning, text = reasoning + text, ""
    return reasoning, text, seen


def split(pieces: list[str]) -> tuple[str, str]:
    return read(pieces)[:2]


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
        ('<Think time="3">嗯</Think>好', "嗯", "好"),
        ("好 [1]。\n<think>等等</think>\n又 [2]。", "等等", "好 [1]。\n又 [2]。"),
        ("好 [1]。</think>", "", "好 [1]。"),
        ("</think>\n\n好", "", "好"),
        ("<think>嗯</think></think>好", "嗯", "好"),
        ("段落说 10 天。\n</think>\n\n好", "段落说 10 天。\n", "好"),
        ("analysisWe need [1]. assistantfinal好", "We need [1]. ", "好"),
        ("analysis of the text", "", "analysis of the text"),
        (
            "<|channel|>analysis<|message|>嗯<|end|><|start|>assistant<|channel|>final<|message|>好<|return|>",
            "嗯",
            "好",
        ),
        ("<|start|>assistant<|channel|>commentary to=x<|constrain|>json<|message|>嗯<|call|>", "嗯", ""),
        ("<think>嗯</think>\n<answer>好</answer>", "嗯", "好"),
        ("Okay, it is 10 days [1].", "Okay, it is 10 days [1].", "Okay, it is 10 days [1]."),
    ],
)
def test_reasoning_is_split_from_the_text_however_it_is_cut(whole: str, reasoning: str, text: str) -> None:
    assert split([whole]) == (reasoning, text)
    assert split(list(whole)) == (reasoning, text)


FRAGMENTS = [
    *"<think> </think> [THINK] <|channel|> final <|message|> <|end|> <answer> </answer>".split(),
    *"< th ink> 好 x ` okay, 。".split(),
]


@given(st.lists(st.sampled_from([*FRAGMENTS, " ", "\n", "analysis"]), max_size=12))
def test_how_a_text_is_cut_makes_no_difference(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert split(pieces) == split([whole]) == split(list(whole))


HARMONY = ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")
FORMS = [*PAIRS.items(), HARMONY, ("analysis", "assistantfinal")]


@given(
    st.sampled_from(FORMS),
    st.sampled_from(ANSWERS),
    st.text(alphabet="ab <>/[]|\n。想", max_size=30),
    st.booleans(),
    st.booleans(),
    st.data(),
)
@settings(max_examples=1000, deadline=None)
def test_no_reader_sees_reasoning_in_tags_and_the_answer_is_verbatim(
    form: tuple[str, str], answer: str, thoughts: str, upper: bool, wrapped: bool, data: st.DataObject
) -> None:
    opening, closing = (tag.upper() if upper and tag in {*PAIRS, *PAIRS.values()} else tag for tag in form)
    opened, closed = data.draw(st.sampled_from(list(WRAPPERS.items()))) if wrapped else ("", "")
    whole = f"{opening}{THOUGHT}{thoughts}\n{closing}\n\n{opened}{answer}{closed}"
    reasoning, text, seen = read(_cut(whole, data))
    assert THOUGHT in reasoning
    assert text == seen == answer


@given(
    st.sampled_from(sorted({*PAIRS.values()})),
    st.sampled_from(ANSWERS),
    st.sampled_from(["", *OPENINGS]),
    st.data(),
)
@settings(max_examples=500, deadline=None)
def test_reasoning_with_only_a_closing_tag_is_not_in_the_answer(
    closing: str, answer: str, opening: str, data: st.DataObject
) -> None:
    pieces = _cut(f"{opening}{THOUGHT} [1]。\n{closing}\n\n{answer}", data)
    assert read(pieces)[1] == answer
    if opening:
        assert THOUGHT not in read(pieces)[2]
    assert read(pieces, holds=True)[1:] == (answer, answer)


@given(st.sampled_from(ANSWERS), st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_an_answer_without_reasoning_is_verbatim(answer: str, holds: bool, data: st.DataObject) -> None:
    assert read(_cut(answer, data), holds=holds)[1] == answer


def test_text_that_is_not_reasoning_is_passed_on_at_once() -> None:
    thinking = ReasoningFilter()
    assert thinking.feed("x") == [TextDelta("x")]
    assert thinking.feed("<b>") == [TextDelta("<b>")]


def test_reasoning_that_the_length_limit_cuts_is_not_shown() -> None:
    thinking = ReasoningFilter()
    thinking.feed("好的，用户问年假")
    assert thinking.finish(is_cut=True) == []


def _cut(whole: str, data: st.DataObject) -> list[str]:
    at = sorted(data.draw(st.sets(st.integers(1, max(len(whole) - 1, 1)), max_size=12)))
    return [whole[start:end] for start, end in zip([0, *at], [*at, len(whole)], strict=True)]
