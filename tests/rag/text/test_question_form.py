"""What a question asks for, by its words."""

import pytest

from rag.text.question_form import Place, read_form
from rag.text.question_parts import split_questions


@pytest.mark.parametrize(
    ("question", "sides", "about"),
    [
        ("红茶和绿茶有什么区别？", ("红茶", "绿茶"), ""),
        ("红茶跟绿茶的咖啡因含量差多少", ("红茶", "绿茶"), "咖啡因含量"),
        ("对比一下 Go 和 Rust", ("Go", "Rust"), ""),
        ("What is the difference between a lease and a loan?", ("lease", "loan"), ""),
        ("compare the Basic plan with the Pro plan", ("Basic plan", "Pro plan"), ""),
        ("How does TCP differ from UDP?", ("TCP", "UDP"), ""),
        ("TCP vs UDP", ("TCP", "UDP"), ""),
    ],
)
def test_the_sides_of_a_comparison(question: str, sides: tuple[str, str], about: str) -> None:
    form = read_form(question)
    assert (form.sides, form.about) == (sides, about)


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("报名之后做什么", Place("after", anchor="报名")),
        ("签完合同要做什么", Place("after", anchor="合同")),
        ("体检的下一步是什么", Place("after", anchor="体检")),
        ("交费之前要做什么？", Place("before", anchor="交费")),
        ("第三步是什么", Place("nth", number=3, unit="步")),
        ("流程的最后一步", Place("nth", number=-1, unit="步")),
        ("What comes after the review?", Place("after", anchor="the review")),
        ("What should I do before the deployment?", Place("before", anchor="the deployment")),
        ("What do I run after config.yaml is written?", Place("after", anchor="config.yaml is written")),
        ("The kite fell after the storm. It was old, what broke?", None),
        ("What must the line of a kite be tied to before it can fly?", None),
        ("What does a kite need before it can fly?", None),
        ("What is required before the race?", None),
        ("In what order are before, during and after the race logged?", None),
        ("What do I need to sign before the race?", Place("before", anchor="the race")),
        ("What is the second step?", Place("nth", number=2, unit="step")),
        ("what is layer four", Place("nth", number=4, unit="layer")),
        ("我该先装什么？", Place("end", anchor="装", number=1)),
        ("从哪儿开始看？", Place("end", anchor="看", number=1)),
        ("流程从什么开始", Place("end", number=1)),
        ("What should I install first?", Place("end", anchor="install", number=1)),
        ("Where do I begin?", Place("end", number=1)),
        ("最后要交什么？", Place("end", anchor="交", number=-1)),
        ("What do I sign last?", Place("end", anchor="sign", number=-1)),
        ("首先要带哪些材料", None),
        ("原先的价格是什么", None),
        ("Who came first?", None),
    ],
)
def test_a_place_in_an_order(question: str, place: Place | None) -> None:
    assert read_form(question).place == place


@pytest.mark.parametrize(
    ("question", "excluded", "denied"),
    [
        ("除了红茶还有什么茶", "红茶", ""),
        ("哪些茶不是国产的", "", "国产"),
        ("Which teas are there besides green tea?", "green tea", ""),
        ("Which teas are not organic?", "", "organic"),
        ("有哪些茶", "", ""),
    ],
)
def test_exceptions_and_denials(question: str, excluded: str, denied: str) -> None:
    form = read_form(question)
    assert (form.excluded, form.denied) == (excluded, denied)


@pytest.mark.parametrize("question", ["有哪些茶", "列出所有的茶", "list all teas", "Which teas are there?"])
def test_questions_for_all_of_something(question: str) -> None:
    assert read_form(question).asks_for_all


@pytest.mark.parametrize(
    "question",
    [
        "茶多少钱",
        "How many days does it take?",
        "How many cups can a pot hold at most?",
        "Which tea is the best?",
        "What is tea?",
    ],
)
def test_questions_for_one_thing(question: str) -> None:
    assert not read_form(question).asks_for_all


@pytest.mark.parametrize(
    ("question", "column"), [("它属于哪个部门", "部门"), ("在哪一层？", "层"), ("Which company makes it?", "company")]
)
def test_the_noun_behind_which(question: str, column: str) -> None:
    assert read_form(question).column == column


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("红茶多少钱？绿茶在哪里买？", ["红茶多少钱", "绿茶在哪里买"]),
        ("红茶多少钱，还有绿茶呢", ["红茶多少钱", "绿茶呢"]),
        ("What is tea and where does it grow?", ["What is tea", "where does it grow"]),
        ("What is the price of tea and coffee?", ["What is the price of tea and coffee?"]),
        ("除了红茶，还有什么？", ["除了红茶，还有什么？"]),
        ("我想买茶，哪里有？", ["我想买茶，哪里有？"]),
        ("请看第 3 页。谢谢", ["请看第 3 页。谢谢"]),
        ("I forgot it when I paid, can I add it?", ["I forgot it when I paid, can I add it?"]),
        ("Can I pay in cash, or is there no till?", ["Can I pay in cash, or is there no till?"]),
        ("红茶是冷的吗，还是有热的吗", ["红茶是冷的吗，还是有热的吗"]),
        ("茶壶分不到多少水，要等多久？", ["茶壶分不到多少水，要等多久？"]),
        ("店里有好几种茶，哪种最淡？", ["店里有好几种茶，哪种最淡？"]),
        ("The pot is leaking tea, which lid fits?", ["The pot is leaking tea, which lid fits?"]),
        ("Which lid fits, and is it sold alone?", ["Which lid fits", "and is it sold alone"]),
    ],
)
def test_several_questions_in_one_are_cut_apart(message: str, parts: list[str]) -> None:
    assert split_questions(message) == parts
