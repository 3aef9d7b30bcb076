"""Answers that are refused: no evidence, no citation, nothing supported, or a model that declines."""

import pytest

from rag.chat.prompt import DECLINED
from rag.chat.scripted import ScriptedChat
from rag.settings import AnsweringSettings, ChatSettings
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


@pytest.mark.parametrize("text", ["Milvus 和 PingCAP。", "Milvus [99]。", "Milvus (1)。", "Milvus [1"])
def test_an_answer_without_any_citation_becomes_a_refusal(shipped: Services, text: str) -> None:
    result = told(shipped, [text])
    assert (result.answer.refused, result.answer.reason) == (True, "no_citation")
    assert result.answer.citations == ()
    assert "Milvus" not in result.answer.text


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


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"]])
def test_a_model_that_says_nothing_is_a_refusal(shipped: Services, pieces: list[str]) -> None:
    result = told(shipped, pieces)
    assert result.deltas == []
    assert result.answer.refused


@pytest.mark.parametrize("text", [f"知名组件有 Milvus [1]。{DECLINED}", f"知名组件有 Milvus [1]。\n\n**{DECLINED}**"])
def test_declining_after_an_answer_is_not_shown(shipped: Services, text: str) -> None:
    result = told(shipped, list(text))
    assert result.answer.text == "".join(result.deltas)
    assert "Milvus [1]" in result.answer.text
    assert "PASSAGES" not in result.answer.text


# Statements that are not supported


def test_statements_that_the_passages_do_not_support_are_named(shipped: Services) -> None:
    result = told(shipped, ["知名组件有 Milvus [1]。它发布于 1987 年 [1]。另见《红楼梦》[1]。谢谢提问！"])
    assert result.answer.unverified == ("它发布于 1987 年 [1]。", "另见《红楼梦》 [1]。", "谢谢提问！")
    assert result.answer.reason is None
    assert all(sentence in result.answer.text for sentence in result.answer.unverified)


def test_an_answer_of_which_nothing_is_supported_is_a_refusal(shipped: Services) -> None:
    result = told(shipped, ["它发布于 1987 年 [1]。"])
    assert (result.answer.refused, result.answer.reason) == (True, "unsupported")
    assert "1987" not in result.answer.text
    assert (result.answer.citations, result.answer.unverified) == ((), ())


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
