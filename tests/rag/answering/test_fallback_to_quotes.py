"""Answers quoted from the documents: without a model, and instead of one that fails."""

import asyncio
import re
from collections.abc import Iterator
from typing import cast

import pytest

from ingest.sync import ingest
from rag.answering.answer import AnswerEvent
from rag.chat.protocol import TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatBroken, ChatError, ChatTimeout, ChatUnavailable
from rag.settings import KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.types import Answer
from rag.wiring import Services
from tests.kit.answers import EN, ZH, Told, events, told
from tests.kit.services import changed

# Models that fail


@pytest.mark.parametrize("error", [ChatUnavailable("down"), ChatTimeout("late"), ChatBroken("half")])
@pytest.mark.parametrize(
    ("question", "word", "note"),
    [
        (ZH, "Milvus, PingCAP", "（大模型没有应答，以上摘自原文。）"),
        (EN, "jetbrains.com/pycharm", "(The chat model did not answer; the above is quoted from the documents.)"),
    ],
)
def test_a_model_that_fails_before_its_first_token_is_replaced_by_quotes_and_the_answer_says_so(
    shipped: Services, error: ChatError, question: str, word: str, note: str
) -> None:
    result = told(shipped, [], question, error)
    assert result.answer.model == "extractive"
    assert result.answer.reason is None
    assert word in result.answer.text
    assert result.answer.text.endswith(f"\n\n{note}")
    assert result.answer.text == "".join(result.deltas)
    assert len(result.passages) == 1
    assert result.answer.citations


def test_a_model_that_fails_while_it_may_still_be_declining_has_said_nothing_yet(shipped: Services) -> None:
    result = told(shipped, [" ", "NOT_IN"], error=ChatTimeout("late"))
    assert result.answer.model == "extractive"
    assert "NOT_IN" not in result.answer.text


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"], ["**"]])
def test_a_model_that_says_nothing_is_replaced_by_quotes(shipped: Services, pieces: list[str]) -> None:
    answer = told(shipped, pieces).answer
    assert (answer.model, answer.reason) == ("extractive", None)
    assert answer.text.endswith("（大模型没有应答，以上摘自原文。）")


def test_quotes_in_another_language_than_the_question_are_the_same_as_without_a_model(shipped: Services) -> None:
    question = "Which code generation models are listed in the model layer?"
    alone, instead = Told(events(question, changed(shipped))).answer, told(shipped, [], question).answer
    assert "GitHub Copilot" in alone.text
    assert "GitHub Copilot" in instead.text


def test_a_model_that_fails_after_it_has_begun_fails_the_answer(shipped: Services) -> None:
    heard: list[AnswerEvent] = []

    async def run() -> None:
        chat = ScriptedChat(["Milvus ", "und"], error=ChatBroken("half"))
        async for event in changed(shipped, chat=chat).answerer.answer(ZH):
            heard.append(event)

    with pytest.raises(ChatBroken, match="half") as caught:
        asyncio.run(run())
    assert re.fullmatch("[0-9a-f]{32}", caught.value.trace_id)
    assert "".join(event.text for event in heard if isinstance(event, TextDelta)).startswith("Milvus")
    assert not any(isinstance(event, Answer) for event in heard)


def test_an_error_that_is_not_the_chat_models_is_not_swallowed(shipped: Services) -> None:
    bug = cast(ChatError, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        told(shipped, [], error=bug)


# Without a model


@pytest.mark.parametrize(
    ("question", "word", "note"),
    [
        (ZH, "Milvus, PingCAP", "（未配置大模型，以上摘自原文。）"),
        (EN, "jetbrains.com/pycharm", "(No chat model is configured; the above is quoted from the documents.)"),
    ],
)
def test_without_a_model_the_documents_are_quoted_and_the_answer_says_so(
    shipped: Services, question: str, word: str, note: str
) -> None:
    result = Told(events(question, changed(shipped)))
    assert result.answer.model == "extractive"
    assert word in result.answer.text
    assert result.answer.text.endswith(f" [1]\n\n{note}")
    assert result.answer.text == "".join(result.deltas)
    assert [citation.number for citation in result.answer.citations] == [1]


@pytest.fixture(scope="module")
def bracketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A small knowledge base whose documents hold brackets with numbers of their own."""
    folder = tmp_path_factory.mktemp("bracketed")
    (folder / "docs").mkdir()
    page = """# 手册

## 数组下标

数组的第一个元素写作 arr[0]，第二个元素写作 arr[1]。

## 连接错误

连接被对方重置时，日志里会写 socket error [10054]。

## 参考文献

余弦相似度的定义出自文献 [2] 与 [3]。
"""
    (folder / "docs" / "manual.md").write_text(page, encoding="utf-8")
    settings = Settings(
        knowledge=KnowledgeSettings(path=folder / "docs"),
        store=StoreSettings(uri=str(folder / "m.db")),
        traces=TraceSettings(enabled=False),
    )
    with Services(settings) as services:
        assert ingest(settings, services.store, services.embedder).ok
        yield services


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("数组的第一个元素怎么写？", "数组的第一个元素写作 arr[0]，第二个元素写作 arr[1]。"),
        ("连接被对方重置时，日志里写什么？", "连接被对方重置时，日志里会写 socket error [10054]。"),
        ("余弦相似度的定义出自哪里？", "余弦相似度的定义出自文献 [2] 与 [3]。"),
    ],
)
def test_brackets_in_a_quoted_document_are_neither_lost_nor_taken_for_citations(
    bracketed: Services, question: str, sentence: str
) -> None:
    result = Told(events(question, changed(bracketed))).answer
    assert letters(result.text).startswith(letters(sentence))
    assert [citation.number for citation in result.citations] == [1]
    assert result.citations[0].quote == sentence


def letters(text: str) -> str:
    """What must not be lost, whatever brackets become."""
    return "".join(char for char in text if char.isalnum())
