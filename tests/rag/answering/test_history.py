"""What a follow-up leaves unsaid, completed by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.history import Turn, complete_by_rule, depends_on_history, recent_turns


def asked(*questions: str) -> list[Turn]:
    return [Turn("user", question) for question in questions]


@pytest.mark.parametrize(
    ("before", "question", "standalone"),
    [
        (["Dify 是什么？"], "那它的官网呢？", "Dify 的官网呢？"),
        (["Dify 的官网是什么？"], "那 RAGFlow 呢？", "RAGFlow 的官网是什么？"),
        (["Dify 的官网是什么？", "那 RAGFlow 呢？"], "是哪家公司的？", "RAGFlow 是哪家公司的？"),
        (["向量数据库有哪些知名组件？"], "那模型服务呢？", "模型服务有哪些知名组件？"),
        (["向量数据库有哪些知名组件？"], "官网？", "向量数据库 官网？"),
        (["嵌入模型和大模型有什么区别？"], "哪个更贵？", "嵌入模型 大模型 哪个更贵？"),
        (["What is Dify?"], "And its website?", "Dify website?"),
        (["What is the website of Dify?"], "What about RAGFlow?", "What is the website of RAGFlow?"),
        (["红茶有几种？"], "绿茶呢", "绿茶有几种？"),
        (["语言大模型有哪些？"], "视觉的呢", "视觉大模型有哪些？"),
        (["第三层有哪些服务？"], "第四层呢？", "第四层有哪些服务？"),
        (["流程的第一步是什么？"], "第四步呢", "流程的第四步是什么？"),
        (["一等座票价是多少？"], "二等呢", "二等座票价是多少？"),
        (["Which green teas are there?"], "And black teas?", "Which black teas are there?"),
        (["What is the weight of the Mini?"], "And the price?", "What is the price of the Mini?"),
        (["Dify 是什么？", "谢谢"], "它们的官网呢", "Dify 的官网呢"),
    ],
)
def test_a_follow_up_takes_over_the_subject_of_the_question_before_it(
    before: list[str], question: str, standalone: str
) -> None:
    assert complete_by_rule(question, asked(*before)) == standalone


@pytest.mark.parametrize(
    "question",
    [
        "PyCharm 的官网是什么？",
        "什么是微调？",
        "那 PyCharm 的官网是什么？",
        "What is fine-tuning?",
        "嵌入模型和大模型有什么区别？",
    ],
)
def test_a_question_that_can_be_understood_alone_stays_as_it_is(question: str) -> None:
    assert complete_by_rule(question, asked("Dify 是什么？")) == question


def test_the_text_of_the_assistant_is_not_taken_over() -> None:
    history = [Turn("user", "Dify 是什么？"), Turn("assistant", "一个平台，像 Coze。")]
    assert complete_by_rule("它的官网呢？", history) == "Dify 的官网呢？"


@pytest.mark.parametrize(
    ("question", "answer", "standalone"),
    [
        ("再之后呢", "2. 体检 [1]\n   - 抽血", "体检 之后是什么"),
        ("then?", "1. Sign the form [2]", "What comes after Sign the form?"),
    ],
)
def test_a_question_for_what_comes_next_goes_on_from_the_answer(question: str, answer: str, standalone: str) -> None:
    history = [Turn("user", "先做什么？"), Turn("assistant", answer)]
    assert complete_by_rule(question, history) == standalone


def test_without_history_nothing_changes() -> None:
    assert complete_by_rule("那它的官网呢？", []) == "那它的官网呢？"


@pytest.mark.parametrize(
    "question", ["为什么？", "那它呢？", "它支持哪些模型？", "and then?", "why?", "How much does it cost?"]
)
def test_questions_that_point_back(question: str) -> None:
    assert depends_on_history(question)


@given(st.lists(st.text(max_size=60), max_size=5), st.text(min_size=1, max_size=60).filter(str.strip))
def test_a_question_never_becomes_empty(before: list[str], question: str) -> None:
    assert complete_by_rule(question, asked(*before)).strip()


def test_the_last_turns_are_kept_in_order_and_whole() -> None:
    history = [Turn("user", "a" * 10), Turn("assistant", " "), Turn("user", "b" * 10), Turn("assistant", "c" * 10)]
    assert recent_turns(history, max_turns=2, max_characters=100) == (history[2], history[3])
    assert recent_turns(history, max_turns=9, max_characters=25) == (history[2], history[3])
    assert recent_turns(history, max_turns=9, max_characters=100) == (history[0], history[2], history[3])
    assert recent_turns(history, max_turns=0, max_characters=100) == ()


def test_halves_of_surrogate_pairs_in_a_history_are_replaced() -> None:
    turns = recent_turns([Turn("user", "\ud800 什么是 Milvus")], max_turns=9, max_characters=100)
    assert [turn.content for turn in turns] == ["? 什么是 Milvus"]
    assert "Milvus" in complete_by_rule("它有哪些组件？", turns)
