"""The noun that names what a question asks of a thing, and whether a text has it."""

import pytest

from rag.text.asked_noun import asked_noun, holds_noun


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("温室三号的灌溉周期是多少？", "周期"),
        ("管理员林某的血型是什么？", "血型"),
        ("林某最喜欢的颜色是什么？", "喜欢"),
        ("这套音箱的阻抗如何？", "阻抗"),
        ("What's the wingspan of the red kite?", "wingspan"),
        ("What is the red kite's wingspan?", "wingspan"),
    ],
)
def test_it_stands_behind_the_thing(question: str, noun: str) -> None:
    assert asked_noun(question) == noun


@pytest.mark.parametrize(
    "question",
    [
        "温室三号的原因是什么？",
        "温室怎么浇水？",
        "温室用的是什么肥料？",
        "为什么温室的门开着？",
        "What is the name of the kite?",
        "How does the kite fly?",
    ],
)
def test_a_question_for_a_kind_of_answer_or_in_another_form_has_none(question: str) -> None:
    assert asked_noun(question) == ""


@pytest.mark.parametrize(
    ("text", "noun", "is_held"),
    [
        ("灌溉：每 3 天一个周期。", "周期", True),
        ("到期一周后更换。", "周期", True),
        ("本周浇水。到期更换。", "周期", False),
        ("Two wingspans were measured.", "wingspan", True),
        ("The wing was measured.", "wingspan", False),
    ],
)
def test_a_text_has_it_in_any_form(text: str, noun: str, is_held: bool) -> None:
    assert holds_noun(text, noun) is is_held
