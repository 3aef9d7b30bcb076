"""What weak models write never makes an answer worse than the quotes without a model."""

import pytest

from rag.chat.scripted import ScriptedChat
from rag.state.traces import Trace
from rag.wiring import Services
from tests.kit.answers import EN, ZH, events, told
from tests.kit.services import changed

FACT = "知名的向量数据库有 Milvus 和 PingCAP"
QUOTE = "Milvus, PingCAP（基于 TiKV 的向量引擎）"
COMPARE = "\n\n以上是大模型的回答，请对照文档原文：\n\n"
INVENTED = "它由一家德国公司在 1987 年发布，价格是每年三千欧元，只能在火星上使用 [1]。"


@pytest.mark.parametrize(
    "text",
    [
        f"{FACT}。",
        f"{FACT} [99]。",
        f"{FACT} [1]。{INVENTED}另见《红楼梦》第八十回的说明 [1]。",
        f"{FACT} [1]。{INVENTED * 6}",
    ],
    ids=["cites nothing", "cites another", "mostly invented", "loops"],
)
def test_a_doubtful_answer_has_the_quotes_below_it(shipped: Services, text: str) -> None:
    result = told(shipped, [text])
    own, compare, quotes = result.answer.text.partition(COMPARE)
    assert own.startswith(FACT)
    assert own.count("1987") <= 1, "one round of a loop is left"
    assert compare
    assert QUOTE in quotes
    assert result.answer.model == "scripted"
    assert [citation.number for citation in result.answer.citations] == [1]
    assert f"{COMPARE}{quotes}" in "".join(result.deltas)
    assert all(statement in own for statement in result.answer.unverified)


def test_the_notice_is_in_the_language_of_the_question(shipped: Services) -> None:
    answer = told(shipped, ["Pycharm (Python IDE)"], EN).answer
    assert "\n\nPlease compare the answer above with the documents, which say:\n\n" in answer.text


@pytest.mark.parametrize("text", [f"{FACT} [1]。", f"{FACT} [1]。它很快 [1]。"], ids=["sound", "one doubt"])
def test_an_answer_that_cites_its_sources_stands_alone(shipped: Services, text: str) -> None:
    assert "请对照" not in told(shipped, [text]).answer.text


@pytest.mark.parametrize(
    "text",
    [
        "Milvus 是向量数据库。" * 12,
        "知识库的段落可以看下面的教程，" + "可以看下面的教程，" * 20,
        "答案是：\n\n" * 40,
        "1. Milvus\n" + "\n".join(f"{number}. Milvus Cloud" for number in range(2, 40)),
    ],
    ids=["a supported sentence", "a piece of a sentence", "a lead", "items"],
)
def test_a_loop_without_sources_is_replaced_by_quotes(shipped: Services, text: str) -> None:
    result = told(shipped, [text[start : start + 5] for start in range(0, len(text), 5)])
    assert (result.answer.model, result.answer.reason) == ("extractive", None)
    assert result.answer.text.endswith("（大模型的回答在文档里没有依据，已换成原文摘录。）")
    assert QUOTE in result.answer.text


@pytest.mark.parametrize("round_", ["Milvus 是向量数据库 [1]。", "可以看下面的教程，"])
def test_a_model_that_loops_is_not_heard_to_the_end(shipped: Services, round_: str) -> None:
    traces: list[Trace] = []
    services = changed(shipped, chat=ScriptedChat([round_] * 500))
    services.traces.observe(traces.append)
    heard = "".join(getattr(event, "text", "") for event in events(ZH, services)[1:-1])
    assert heard.count(round_) < 30
    assert [attempt.outcome for attempt in traces[-1].answer.attempts] == ["looped"]


@pytest.mark.parametrize("text", ["向量数据库有哪些知名组件？", "您指的是哪一种组件？", "答案是："])
def test_a_question_or_a_lead_alone_is_replaced_by_quotes(shipped: Services, text: str) -> None:
    answer = told(shipped, [text]).answer
    assert (answer.model, answer.reason) == ("extractive", None)
    assert QUOTE in answer.text


def test_quotes_below_an_answer_that_ends_in_code_are_not_code(shipped: Services) -> None:
    answer = told(shipped, [f"{FACT}。\n\n```python\nprint('Milvus')\n"]).answer
    assert "\n```\n\n" in answer.text
    assert answer.text.count("```") % 2 == 0
