"""Answers that are refused: no evidence, no citation, nothing supported, or a model that declines."""

import re

import pytest

from rag.chat.prompt import DECLINED
from rag.chat.scripted import ScriptedChat
from rag.settings import AnsweringSettings, ChatSettings
from rag.state.traces import Trace
from rag.store.filters import Equals
from rag.wiring import Services
from tests.kit.answers import EN, UNANSWERABLE_EN, UNANSWERABLE_ZH, ZH, Told, events, told
from tests.kit.chat import shown_in
from tests.kit.services import changed, with_settings

# Without evidence or citation


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        (UNANSWERABLE_ZH, "知识库里没有这个问题的答案。最接近的内容在：\n- 概述 › "),
        (UNANSWERABLE_EN, "The knowledge base does not answer this question. The nearest sections are:\n- 概述 › "),
    ],
)
def test_without_evidence_the_model_is_not_asked_and_the_nearest_sections_are_named(
    shipped: Services, question: str, opening: str
) -> None:
    result = told(shipped, ["Invented [1]."], question)
    assert result.chat is not None
    assert result.chat.requests == []
    assert result.deltas == []
    assert (result.answer.refused, result.answer.reason) == (True, "no_evidence")
    assert result.answer.text.startswith(opening)
    assert result.answer.citations == ()
    headings = result.answer.text.split("\n- ")[1:]
    assert 1 <= len(headings) == len(set(headings)) <= 3


def test_a_filter_that_leaves_nothing_is_a_refusal_without_sections(shipped: Services) -> None:
    result = Told(events(ZH, shipped, search_filter=Equals("source", "nowhere.md")))
    assert result.passages[0].passages == ()
    assert (result.answer.text, result.answer.reason) == ("知识库里没有这个问题的答案。", "no_evidence")


def test_the_bar_for_evidence_can_be_set(shipped: Services) -> None:
    def reason(question: str, min_evidence: float) -> str | None:
        settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(min_evidence=min_evidence)})
        return Told(events(question, changed(shipped, settings=settings))).answer.reason

    assert reason(UNANSWERABLE_ZH, 0.0) != "no_evidence"
    assert reason(EN, 1.0) == "no_evidence"


@pytest.mark.parametrize(
    "text", ["Milvus 和 PingCAP。", "Milvus [99]。", "Milvus (1)。", "Milvus [3]。", "您好！Milvus 和 PingCAP。"]
)
def test_a_right_answer_with_a_wrong_marker_or_none_gets_the_right_one(shipped: Services, text: str) -> None:
    result = told(shipped, [text])
    assert result.answer.reason is None
    assert result.answer.unverified == ()
    assert [citation.number for citation in result.answer.citations] == [1]
    assert re.search(r"(?:Milvus|PingCAP) \[1\]。(?:\n\n以上是大模型的回答|\Z)", result.answer.text)
    assert "[1]" in "".join(result.deltas).partition("以上是大模型的回答")[0], "a stream names the passage, too"


def test_a_trace_says_which_numbers_are_ours(shipped: Services) -> None:
    traces: list[Trace] = []
    services = changed(shipped, chat=ScriptedChat(["知名组件有 Milvus [1]。另一个是 PingCAP [4]。"]))
    services.traces.observe(traces.append)
    events(ZH, services)
    checked = [(one.statement, one.numbers, one.attributed) for one in traces[-1].verification]
    assert checked == [("知名组件有 Milvus [1]。", (1,), False), ("另一个是 PingCAP [1]。", (1,), True)]


@pytest.mark.parametrize(
    "pieces",
    [
        [DECLINED],
        ["NOT", "_IN_", "PASS", "AGES"],
        list(DECLINED),
        [" \n", DECLINED, "\n"],
        [f"  {DECLINED}  "],
        ["\n\n", " NOT_IN", "_PASSAGES", "."],
        [f"{DECLINED}\n\nThe passages do not say [1]."],
        [f"**{DECLINED}**"],
        ["> *", f"`{DECLINED}`", "*."],
        [f"“{DECLINED}。”"],
        [f'"{DECLINED}."'],
        ["NOT\\_IN\\_PASSAGES"],
        ["not_in_", "passages"],
        ["NOT IN PASSAGES"],
        [f"\u200b{DECLINED[:5]}\u200b{DECLINED[5:]}"],
        [f"{DECLINED}\n", "Milvus 是向量数据库 [1]。"],
    ],
)
def test_a_model_that_declines_is_a_refusal_and_nothing_is_streamed(shipped: Services, pieces: list[str]) -> None:
    result = told(shipped, pieces)
    assert result.deltas == []
    assert (result.answer.refused, result.answer.reason) == (True, "model_declined")
    assert DECLINED not in result.answer.text
    assert result.answer.model == "scripted"


@pytest.mark.parametrize("text", [f"知名组件有 Milvus [1]。{DECLINED}", f"知名组件有 Milvus [1]。\n\n**{DECLINED}**"])
def test_declining_after_an_answer_is_not_shown(shipped: Services, text: str) -> None:
    result = told(shipped, list(text))
    assert result.answer.text == "".join(result.deltas)
    assert "Milvus [1]" in result.answer.text
    assert "PASSAGES" not in result.answer.text


# Statements that are not supported


def test_statements_that_the_passages_do_not_support_are_named(shipped: Services) -> None:
    result = told(shipped, ["知名组件有 Milvus [1]。它发布于 1987 年 [1]。另见《红楼梦》[1]。谢谢提问！"])
    assert result.answer.unverified == ("它发布于 1987 年 [1]。", "另见《红楼梦》 [1]。")
    assert result.answer.reason is None
    assert all(sentence in result.answer.text for sentence in result.answer.unverified)


@pytest.mark.parametrize("text", ["它发布于 1987 年 [1]。", "向量数据库有 Qdrant。"])
@pytest.mark.parametrize(
    ("question", "note", "withdrawn"),
    [
        (ZH, "（大模型的回答在文档里没有依据，已换成原文摘录。）", "以上回答在文档里没有依据，请不要采信。"),
        (EN, "(The documents do not support what the chat model wrote;", "please disregard it. They say:"),
    ],
)
def test_an_answer_of_which_nothing_is_supported_is_replaced_by_quotes_and_says_so(
    shipped: Services, text: str, question: str, note: str, withdrawn: str
) -> None:
    result = told(shipped, [text], question)
    assert (result.answer.reason, result.answer.model) == (None, "extractive")
    assert note in result.answer.text
    assert text not in result.answer.text
    assert result.answer.citations
    assert result.answer.unverified == ()
    told_taken_back = "".join(result.deltas).partition(withdrawn)[2]
    assert result.answer.text in told_taken_back


def test_if_nothing_can_be_quoted_either_the_refusal_says_that_the_model_strayed(shipped: Services) -> None:
    settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(min_evidence=0.0)})
    chat = ScriptedChat(["明天有雨，气温 31 度 [1]。"])
    answer = Told(events(UNANSWERABLE_ZH, changed(shipped, settings=settings, chat=chat))).answer
    if answer.reason:
        assert answer.text.startswith("大模型的回答在知识库里没有依据，没有采用。最接近的内容在：")
    assert "31 度" not in answer.text


@pytest.mark.parametrize("text", ["您好！", "文档中没有提到这一点。", "The passages do not mention this."])
def test_a_model_that_claims_nothing_has_declined(shipped: Services, text: str) -> None:
    assert told(shipped, [text]).answer.reason == "model_declined"


@pytest.mark.parametrize(
    "text",
    ["Well-known vector databases are Milvus and PingCAP [1].", "Known components: Milvus, PingCAP (TiKV) [1]."],
)
def test_an_answer_in_another_language_than_its_passage_counts_as_supported(shipped: Services, text: str) -> None:
    assert told(shipped, [text], ZH).answer.unverified == ()


def test_quotes_are_not_checked_against_themselves(shipped: Services) -> None:
    assert Told(events(ZH, changed(shipped))).answer.unverified == ()


def test_a_passage_that_does_not_fit_is_neither_shown_nor_offered(
    shipped: Services, caplog: pytest.LogCaptureFixture
) -> None:
    chat = ChatSettings(max_answer_tokens=600)
    model = ScriptedChat(["知名组件有 Milvus [1][8]。"], context_tokens=1024)
    result = Told(events(ZH, changed(shipped, settings=with_settings(shipped, chat=chat), chat=model)))
    ((_, user),) = model.requests
    found = [passage.number for passage in result.passages[0].passages]
    assert shown_in(user) == found[: len(shown_in(user))] != found
    assert [citation.number for citation in result.answer.citations] == [1]
    assert "chat.context_tokens" in caplog.text


# Models that only begin like a refusal


def test_a_text_that_begins_like_a_refusal_is_streamed_whole(shipped: Services) -> None:
    result = told(shipped, ["NOT", " only Milvus [1]."])
    assert result.answer.text == "NOT only Milvus [1]."
    assert result.answer.reason is None
