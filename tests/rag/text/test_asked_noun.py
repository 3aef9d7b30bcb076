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
        ("林某的乌龟名字是什么？", "乌龟"),
        ("林某的女儿的名字是什么？", "女儿"),
        ("林某的工作状态如何？", "工作"),
        ("温室里水泵的扬程（head）是多少？", "扬程"),
        ("温室支持的水管最长是多少？", "水管"),
    ],
)
def test_it_stands_behind_the_thing(question: str, noun: str) -> None:
    assert asked_noun(question) == noun


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("温室里有几扇窗户？", "窗户"),
        ("林某养了几只猫？", "猫"),
        ("温室去年接待了多少游客？", "游客"),
        ("How many heat lamps hang in the greenhouse?", "lamps"),
    ],
)
def test_it_is_what_a_question_counts(question: str, noun: str) -> None:
    assert asked_noun(question) == noun


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("林某在温室里是否养乌龟？", "乌龟"),
        ("温室有没有地窖？", "地窖"),
        ("温室有地窖吗？", "地窖"),
        ("温室能不能用 zigbee 控制？", "zigbee"),
        ("温室支持 mqtt 吗？", "mqtt"),
    ],
)
def test_it_is_what_a_question_asks_the_existence_of(question: str, noun: str) -> None:
    assert asked_noun(question) == noun


@pytest.mark.parametrize(
    "question",
    [
        "温室可以带小孩参观吗？",
        "林某是否会参加展览？",
        "温室的高度是多少米？",
        "温室花了多少现金？",
        "温室里有多少人？",
        "上面提到的这间温室是哪年建的？",
        "How many times was the greenhouse painted?",
        "How many people work in the greenhouse?",
        "温室三号的原因是什么？",
        "温室怎么浇水？",
        "温室用的是什么肥料？",
        "为什么温室的门开着？",
        "温室的日志默认保存在哪个目录？",
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
        ("一周后到期。", "周期", True),
        ("到期一周后更换。", "周期", False),
        ("温室成员有三人。", "家庭成员", False),
        ("家庭与温室。", "家庭成员", True),
        ("本周浇水。到期更换。", "周期", False),
        ("Two wingspans were measured.", "wingspan", True),
        ("The wing was measured.", "wingspan", False),
    ],
)
def test_a_text_has_it_in_any_form(text: str, noun: str, is_held: bool) -> None:
    assert holds_noun(text, noun) is is_held
