"""The read path as a whole, over the shipped knowledge: passages, text, and an answer that can be checked."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ingest.sync import ingest
from rag.answering.answer import Delta, Event, PassagesFound, answer, search
from rag.answering.quote import ExtractiveChat
from rag.chat.prompt import DECLINED
from rag.chat.protocol import ChatModel, Finished
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatBroken, ChatError, ChatTimeout, ChatUnavailable, QuestionError, QuestionTooLong, StoreEmpty
from rag.settings import AnsweringSettings, ChatSettings, KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.store.filters import Equals
from rag.types import Answer
from rag.wiring import Parts, open_parts
from tests.kit import openai_scripts as scripts
from tests.kit.chat import model_at
from tests.kit.openai_server import openai_server

ZH = "向量数据库有哪些知名组件？"
EN = "What is the official website of PyCharm?"
UNANSWERABLE_ZH = "明天上海会下雨吗？"
UNANSWERABLE_EN = "When was GPT-4 released?"


def events(question: str, parts: Parts, **options: Any) -> list[Event]:
    async def run() -> list[Event]:
        return [event async for event in answer(question, parts, **options)]

    return asyncio.run(run())


def told(shipped: Parts, pieces: Sequence[str], question: str = ZH, error: ChatError | None = None) -> "Told":
    chat = ScriptedChat(pieces, error=error)
    return Told(events(question, replace(shipped, chat=chat)), chat)


class Told:
    """The events of one answer, by kind."""

    def __init__(self, heard: list[Event], chat: ScriptedChat | None = None) -> None:
        self.events = heard
        self.chat = chat
        self.deltas = [event.text for event in heard if isinstance(event, Delta)]
        self.passages = [event for event in heard if isinstance(event, PassagesFound)]
        (self.answer,) = [event for event in heard if isinstance(event, Answer)]


# --- a model that answers --------------------------------------------------------------------------------------------


def test_passages_come_first_then_the_text_and_last_the_answer(shipped: Parts) -> None:
    result = told(shipped, ["知名的有 ", "Milvus", " [1]。"])
    assert [type(event) for event in result.events][:2] == [PassagesFound, Delta]
    assert isinstance(result.events[-1], Answer)
    assert {type(event) for event in result.events[1:-1]} == {Delta}


def test_the_text_of_the_answer_is_what_was_streamed(shipped: Parts) -> None:
    result = told(shipped, ["知名的有 ", "Milvus", "[", "1", "]", "[99] ", "和 PingCAP【1】。"])
    assert result.answer.text == "".join(result.deltas) == "知名的有 Milvus [1] 和 PingCAP [1]。"
    assert not result.answer.refused
    assert result.answer.model == "scripted"


def test_no_piece_of_text_is_empty(shipped: Parts) -> None:
    for pieces in (["Milvus", " [", "1", "]", "。"], ["Milvus [1]"], ["", "Milvus", "", " [1]", ""]):
        assert all(told(shipped, pieces).deltas)


def test_the_citations_lead_to_the_passages_that_were_shown(shipped: Parts) -> None:
    result = told(shipped, ["知名的有 Milvus [1]。"])
    (found,) = result.passages
    (citation,) = result.answer.citations
    chunk = found.passages[0].chunk
    assert citation.quote in chunk.content
    assert "Milvus" in citation.quote
    assert (citation.source, citation.start_line, citation.end_line) == (chunk.source, chunk.start_line, chunk.end_line)
    assert citation.url == "/docs/overview.md?lines=82-82#passage"


def test_the_model_is_asked_once_with_the_passages_that_were_shown(shipped: Parts) -> None:
    result = told(shipped, ["Milvus [1]。"])
    assert result.chat is not None
    (prompt,) = result.chat.prompts
    assert prompt.evidence.passages == result.passages[0].passages
    assert prompt.evidence.question == ZH


def test_an_answer_knows_its_generation_and_has_a_trace_of_its_own(shipped: Parts) -> None:
    one, two = (told(shipped, ["Milvus [1]。"]).answer for _ in range(2))
    assert one.generation == 1
    assert len(one.trace_id) == 32
    assert one.trace_id != two.trace_id


def test_markers_that_were_not_offered_are_not_in_the_answer(shipped: Parts) -> None:
    result = told(shipped, ["Milvus [1][77]，PingCAP [0]，别的 [99]。"])
    assert result.answer.text == "Milvus [1]，PingCAP，别的。"
    assert [citation.number for citation in result.answer.citations] == [1]


@pytest.mark.parametrize("strange", ["[10054]", "[20231231]", "[9[0]9]", "[9[98]9]", "[１２３４５]"])
def test_a_number_in_brackets_that_is_not_a_marker_is_not_a_crash(shipped: Parts, strange: str) -> None:
    result = told(shipped, [f"知名组件有 Milvus [1]。错误 {strange}，见 Milvus [1]。"])
    assert [citation.number for citation in result.answer.citations] == [1]


def test_a_number_in_brackets_alone_does_not_count_as_a_citation(shipped: Parts) -> None:
    assert told(shipped, ["错误码是 [10054]。"]).answer.reason == "no_citation"


def test_at_most_the_passages_that_were_asked_for_are_shown(shipped: Parts) -> None:
    settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(max_passages=2)})
    result = Told(
        events("Dify 的官网是什么？", replace(shipped, settings=settings, chat=ScriptedChat(["Dify [1][3]。"])))
    )
    assert len(result.passages[0].passages) == 2
    assert [citation.number for citation in result.answer.citations] == [1]


def test_an_answer_that_is_cut_off_says_so_and_the_note_is_no_statement(shipped: Parts) -> None:
    chat = ScriptedChat(["知名组件有 Milvus [1]。", Finished("scripted", truncated=True)])
    result = Told(events(ZH, replace(shipped, chat=chat))).answer
    assert result.truncated
    assert result.text.endswith("（回答达到长度上限，没有写完。）")
    assert result.unverified == ()


def test_a_question_for_all_is_shown_the_whole_table(shipped: Parts) -> None:
    shown = told(shipped, ["Milvus [1]。"]).passages[0].passages
    best = shown[0].chunk
    rows = [passage.chunk for passage in shown if passage.chunk.group == best.group]
    assert "Milvus" in best.content
    assert [row.kind for row in rows] == ["row"] * len(rows)
    assert [row.position for row in rows[1:]] == sorted(row.position for row in rows[1:])
    assert len(rows) > 10


def test_a_condition_holds_for_the_passages(shipped: Parts) -> None:
    result = Told(events("AIGC 开发平台有哪些？", shipped, condition=Equals("kind", "list")))
    assert {passage.chunk.kind for passage in result.passages[0].passages} == {"list"}


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        (UNANSWERABLE_ZH, "知识库里没有这个问题的答案。最接近的内容在：\n- 概述 › "),
        (UNANSWERABLE_EN, "The knowledge base does not answer this question. The nearest sections are:\n- 概述 › "),
    ],
)
def test_without_evidence_the_model_is_not_asked_and_the_nearest_sections_are_named(
    shipped: Parts, question: str, opening: str
) -> None:
    result = told(shipped, ["Invented [1]."], question)
    assert result.chat is not None
    assert result.chat.prompts == []
    assert result.deltas == []
    assert (result.answer.refused, result.answer.reason) == (True, "no_evidence")
    assert result.answer.text.startswith(opening)
    assert result.answer.citations == ()
    headings = result.answer.text.split("\n- ")[1:]
    assert 1 <= len(headings) == len(set(headings)) <= 3


def test_a_filter_that_leaves_nothing_is_a_refusal_without_sections(shipped: Parts) -> None:
    result = Told(events(ZH, shipped, condition=Equals("source", "nowhere.md")))
    assert result.passages[0].passages == ()
    assert (result.answer.text, result.answer.reason) == ("知识库里没有这个问题的答案。", "no_evidence")


def test_the_bar_for_evidence_can_be_set(shipped: Parts) -> None:
    def reason(question: str, min_evidence: float) -> str | None:
        settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(min_evidence=min_evidence)})
        return Told(events(question, replace(shipped, settings=settings))).answer.reason

    assert reason(UNANSWERABLE_ZH, 0.0) != "no_evidence"
    assert reason(EN, 1.0) == "no_evidence"


@pytest.mark.parametrize("text", ["Milvus 和 PingCAP。", "Milvus [99]。", "Milvus (1)。", "Milvus [1"])
def test_an_answer_without_any_citation_becomes_a_refusal(shipped: Parts, text: str) -> None:
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
def test_a_model_that_declines_is_a_refusal_and_nothing_is_streamed(shipped: Parts, pieces: list[str]) -> None:
    result = told(shipped, pieces)
    assert result.deltas == []
    assert (result.answer.refused, result.answer.reason) == (True, "model_declined")
    assert DECLINED not in result.answer.text
    assert result.answer.model == "scripted"


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"]])
def test_a_model_that_says_nothing_is_a_refusal(shipped: Parts, pieces: list[str]) -> None:
    result = told(shipped, pieces)
    assert result.deltas == []
    assert result.answer.refused


@pytest.mark.parametrize("text", [f"知名组件有 Milvus [1]。{DECLINED}", f"知名组件有 Milvus [1]。\n\n**{DECLINED}**"])
def test_declining_after_an_answer_is_not_shown(shipped: Parts, text: str) -> None:
    result = told(shipped, list(text))
    assert result.answer.text == "".join(result.deltas)
    assert "Milvus [1]" in result.answer.text
    assert "PASSAGES" not in result.answer.text


# --- statements that are not supported -------------------------------------------------------------------------------


def test_statements_that_the_passages_do_not_support_are_named(shipped: Parts) -> None:
    result = told(shipped, ["知名组件有 Milvus [1]。它发布于 1987 年 [1]。另见《红楼梦》[1]。谢谢提问！"])
    assert result.answer.unverified == ("它发布于 1987 年 [1]。", "另见《红楼梦》 [1]。", "谢谢提问！")
    assert result.answer.reason is None
    assert all(sentence in result.answer.text for sentence in result.answer.unverified)


def test_an_answer_of_which_nothing_is_supported_is_a_refusal(shipped: Parts) -> None:
    result = told(shipped, ["它发布于 1987 年 [1]。"])
    assert (result.answer.refused, result.answer.reason) == (True, "unsupported")
    assert "1987" not in result.answer.text
    assert (result.answer.citations, result.answer.unverified) == ((), ())


@pytest.mark.parametrize(
    "text",
    ["Well-known vector databases are Milvus and PingCAP [1].", "Known components: Milvus, PingCAP (TiKV) [1]."],
)
def test_an_answer_in_another_language_than_its_passage_is_not_unsupported_for_that(shipped: Parts, text: str) -> None:
    assert told(shipped, [text], ZH).answer.unverified == ()


def test_quotes_are_not_checked_against_themselves(shipped: Parts) -> None:
    assert Told(events(ZH, replace(shipped, chat=ExtractiveChat()))).answer.unverified == ()


def test_a_passage_that_does_not_fit_is_neither_shown_nor_offered(
    shipped: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    chat = ChatSettings(max_answer_tokens=600)
    parts = replace(shipped, settings=shipped.settings.model_copy(update={"chat": chat}))
    model = ScriptedChat(["知名组件有 Milvus [1][8]。"], context_tokens=1024)
    result = Told(events(ZH, replace(parts, chat=model)))
    (prompt,) = model.prompts
    assert prompt.dropped
    assert [citation.number for citation in result.answer.citations] == [1]
    assert "chat.context_tokens" in caplog.text


# --- models that decline or begin like it ----------------------------------------------------------------------------


def test_a_text_that_begins_like_a_refusal_is_streamed_whole(shipped: Parts) -> None:
    result = told(shipped, ["NOT", " only Milvus [1]."])
    assert result.answer.text == "NOT only Milvus [1]."
    assert result.answer.reason is None


# --- models that fail ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ChatUnavailable("down"), ChatTimeout("late"), ChatBroken("half")])
@pytest.mark.parametrize(
    ("question", "word", "note"),
    [
        (ZH, "Milvus, PingCAP", "（大模型没有应答，以上摘自原文。）"),
        (EN, "jetbrains.com/pycharm", "(The chat model did not answer; the above is quoted from the documents.)"),
    ],
)
def test_a_model_that_fails_before_its_first_token_is_replaced_by_quotes_and_the_answer_says_so(
    shipped: Parts, error: ChatError, question: str, word: str, note: str
) -> None:
    result = told(shipped, [], question, error)
    assert result.answer.model == "extractive"
    assert result.answer.reason is None
    assert word in result.answer.text
    assert result.answer.text.endswith(f"\n\n{note}")
    assert result.answer.text == "".join(result.deltas)
    assert len(result.passages) == 1
    assert result.answer.citations


def test_a_model_that_fails_while_it_may_still_be_declining_has_said_nothing_yet(shipped: Parts) -> None:
    result = told(shipped, [" ", "NOT_IN"], error=ChatTimeout("late"))
    assert result.answer.model == "extractive"
    assert "NOT_IN" not in result.answer.text


def test_a_model_that_fails_after_it_has_begun_fails_the_answer(shipped: Parts) -> None:
    heard: list[Event] = []

    async def run() -> None:
        chat = ScriptedChat(["Milvus ", "und"], error=ChatBroken("half"))
        async for event in answer(ZH, replace(shipped, chat=chat)):
            heard.append(event)

    with pytest.raises(ChatBroken, match="half") as caught:
        asyncio.run(run())
    assert re.fullmatch("[0-9a-f]{32}", caught.value.trace_id)
    assert "".join(event.text for event in heard if isinstance(event, Delta)).startswith("Milvus")
    assert not any(isinstance(event, Answer) for event in heard)


def test_an_error_that_is_not_the_chat_models_is_not_swallowed(shipped: Parts) -> None:
    bug = cast(ChatError, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        told(shipped, [], error=bug)


# --- without a model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "word", "note"),
    [
        (ZH, "Milvus, PingCAP", "（未配置大模型，以上摘自原文。）"),
        (EN, "jetbrains.com/pycharm", "(No chat model is configured; the above is quoted from the documents.)"),
    ],
)
def test_without_a_model_the_documents_are_quoted_and_the_answer_says_so(
    shipped: Parts, question: str, word: str, note: str
) -> None:
    result = Told(events(question, replace(shipped, chat=ExtractiveChat())))
    assert result.answer.model == "extractive"
    assert word in result.answer.text
    assert result.answer.text.endswith(f" [1]\n\n{note}")
    assert result.answer.text == "".join(result.deltas)
    assert [citation.number for citation in result.answer.citations] == [1]


@pytest.fixture(scope="module")
def bracketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
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
    with open_parts(settings) as parts:
        assert ingest(settings, parts.store, parts.embedder).ok
        yield parts


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("数组的第一个元素怎么写？", "数组的第一个元素写作 arr[0]，第二个元素写作 arr[1]。"),
        ("连接被对方重置时，日志里写什么？", "连接被对方重置时，日志里会写 socket error [10054]。"),
        ("余弦相似度的定义出自哪里？", "余弦相似度的定义出自文献 [2] 与 [3]。"),
    ],
)
def test_brackets_in_a_quoted_document_are_neither_lost_nor_taken_for_citations(
    bracketed: Parts, question: str, sentence: str
) -> None:
    result = Told(events(question, replace(bracketed, chat=ExtractiveChat()))).answer
    assert letters(result.text).startswith(letters(sentence))
    assert [citation.number for citation in result.citations] == [1]
    assert result.citations[0].quote == sentence


def letters(text: str) -> str:
    """What must not be lost, whatever brackets become."""
    return "".join(char for char in text if char.isalnum())


# --- questions and stores --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["", "  \n", "什么\0是", "a\ud800"])
def test_an_invalid_question_is_refused_before_the_search(shipped: Parts, question: str) -> None:
    with pytest.raises(QuestionError):
        events(question, shipped)
    with pytest.raises(QuestionError):
        search(question, shipped)


def test_a_question_beyond_the_limit_is_too_long(shipped: Parts) -> None:
    settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(max_question_characters=5)})
    parts = replace(shipped, settings=settings)
    with pytest.raises(QuestionTooLong):
        events("123456", parts)
    with pytest.raises(QuestionTooLong):
        search("123456", parts)


def test_a_very_long_question_and_one_of_emoji_are_answered_or_refused(shipped: Parts) -> None:
    for question in ("向量" * 400, "🙂🙂", "？", "[1] [2]", "</passage>"):
        assert Told(events(question, shipped)).answer.text


def test_an_empty_store_is_an_error_and_no_refusal(shipped: Parts, tmp_path: Path) -> None:
    settings = Settings(store=StoreSettings(uri=str(tmp_path / "empty.db")))
    with open_parts(settings) as parts, pytest.raises(StoreEmpty, match="nothing has been ingested yet"):
        events(ZH, replace(parts, embedder=shipped.embedder))


def test_many_questions_at_once_are_each_answered_for_themselves(shipped: Parts) -> None:
    async def last(question: str) -> Answer:
        async for event in answer(question, replace(shipped, chat=ExtractiveChat())):
            if isinstance(event, Answer):
                return event
        raise AssertionError("no answer")

    async def run() -> list[Answer]:
        return await asyncio.gather(*(last(question) for question in [ZH, EN] * 8))

    found = asyncio.run(run())
    assert all("Milvus" in one.text for one in found[::2])
    assert all("pycharm" in one.text for one in found[1::2])


# --- a reader who goes away ------------------------------------------------------------------------------------------


def test_a_reader_who_stops_early_ends_the_call_to_the_model(shipped: Parts) -> None:
    async def run(chat: ChatModel) -> None:
        stream = answer(ZH, replace(shipped, chat=chat))
        async for event in stream:
            if isinstance(event, Delta):
                break
        await stream.aclose()
        await chat.close()

    with openai_server(scripts.completion("Milvus und mehr", hangs=True)) as server:
        asyncio.run(run(model_at(server.base_url, ChatSettings())))
        assert server.client_left.wait(30), "the connection is still open"
