"""The read path as a whole, over the shipped knowledge: passages, text, and an answer that can be checked."""

import asyncio
from pathlib import Path

import pytest

from rag.answering.answer import PassagesFound
from rag.chat.protocol import ChatModel, Finished, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import QuestionError, QuestionTooLong, StoreEmpty
from rag.settings import AnsweringSettings, ChatSettings, Settings, StoreSettings
from rag.store.filters import Equals
from rag.types import Answer
from rag.wiring import Services, open_store
from tests.kit import openai_scripts as scripts
from tests.kit.answers import EN, ZH, Told, events, told
from tests.kit.chat import model_at, shown_in
from tests.kit.openai_server import openai_server
from tests.kit.services import changed

# A model that answers


def test_passages_come_first_then_the_text_and_last_the_answer(shipped: Services) -> None:
    result = told(shipped, ["知名的有 ", "Milvus", " [1]。"])
    assert [type(event) for event in result.events][:2] == [PassagesFound, TextDelta]
    assert isinstance(result.events[-1], Answer)
    assert {type(event) for event in result.events[1:-1]} == {TextDelta}


def test_the_text_of_the_answer_is_what_was_streamed(shipped: Services) -> None:
    result = told(shipped, ["知名的有 ", "Milvus", "[", "1", "]", "[99] ", "和 PingCAP【1】。"])
    assert result.answer.text == "".join(result.deltas) == "知名的有 Milvus [1] 和 PingCAP [1]。"
    assert not result.answer.refused
    assert result.answer.model == "scripted"


def test_no_piece_of_text_is_empty(shipped: Services) -> None:
    for pieces in (["Milvus", " [", "1", "]", "。"], ["Milvus [1]"], ["", "Milvus", "", " [1]", ""]):
        assert all(told(shipped, pieces).deltas)


def test_the_citations_lead_to_the_passages_that_were_shown(shipped: Services) -> None:
    result = told(shipped, ["知名的有 Milvus [1]。"])
    (found,) = result.passages
    (citation,) = result.answer.citations
    chunk = found.passages[0].chunk
    assert citation.quote in chunk.content
    assert "Milvus" in citation.quote
    assert (citation.source, citation.start_line, citation.end_line) == (chunk.source, chunk.start_line, chunk.end_line)
    assert citation.url == "/docs/overview.md?lines=82-82#passage"


def test_the_model_is_asked_once_with_the_passages_that_were_shown(shipped: Services) -> None:
    result = told(shipped, ["Milvus [1]。"])
    assert result.chat is not None
    ((_, user),) = result.chat.requests
    assert shown_in(user) == [passage.number for passage in result.passages[0].passages]
    assert user.content.endswith(ZH)


def test_an_answer_knows_its_generation_and_has_a_trace_of_its_own(shipped: Services) -> None:
    one, two = (told(shipped, ["Milvus [1]。"]).answer for _ in range(2))
    assert one.generation == 1
    assert len(one.trace_id) == 32
    assert one.trace_id != two.trace_id


def test_markers_that_were_not_offered_are_not_in_the_answer(shipped: Services) -> None:
    result = told(shipped, ["Milvus [1][77]，PingCAP [0]，别的 [99]。"])
    assert result.answer.text == "Milvus [1]，PingCAP，别的。"
    assert [citation.number for citation in result.answer.citations] == [1]


@pytest.mark.parametrize("strange", ["[10054]", "[20231231]", "[9[0]9]", "[9[98]9]", "[１２３４５]"])
def test_a_number_in_brackets_that_is_not_a_marker_is_not_a_crash(shipped: Services, strange: str) -> None:
    result = told(shipped, [f"知名组件有 Milvus [1]。错误 {strange}，见 Milvus [1]。"])
    assert [citation.number for citation in result.answer.citations] == [1]


def test_a_number_in_brackets_alone_does_not_count_as_a_citation(shipped: Services) -> None:
    answer = told(shipped, ["错误码是 [10054]。"]).answer
    assert "10054" not in answer.text
    assert answer.model == "extractive"


def test_at_most_the_passages_that_were_asked_for_are_shown(shipped: Services) -> None:
    settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(max_passages=2)})
    result = Told(
        events("Dify 的官网是什么？", changed(shipped, settings=settings, chat=ScriptedChat(["Dify [1][3]。"])))
    )
    assert len(result.passages[0].passages) == 2
    assert [citation.number for citation in result.answer.citations] == [1]


def test_an_answer_that_is_cut_off_says_so_and_the_note_is_no_statement(shipped: Services) -> None:
    chat = ScriptedChat(["知名组件有 Milvus [1]。", Finished("scripted", truncated=True)])
    result = Told(events(ZH, changed(shipped, chat=chat))).answer
    assert result.truncated
    assert result.text.endswith("（回答达到长度上限，没有写完。）")
    assert result.unverified == ()


def test_a_question_for_all_is_shown_the_whole_table(shipped: Services) -> None:
    shown = told(shipped, ["Milvus [1]。"]).passages[0].passages
    best = shown[0].chunk
    rows = [passage.chunk for passage in shown if passage.chunk.group == best.group]
    assert "Milvus" in best.content
    assert [row.kind for row in rows] == ["row"] * len(rows)
    assert [row.position for row in rows[1:]] == sorted(row.position for row in rows[1:])
    assert len(rows) > 10


def test_a_condition_holds_for_the_passages(shipped: Services) -> None:
    result = Told(events("AIGC 开发平台有哪些？", shipped, search_filter=Equals("kind", "list")))
    assert {passage.chunk.kind for passage in result.passages[0].passages} == {"list"}


# Questions and stores


@pytest.mark.parametrize("question", ["", "  \n", "什么\0是", "a\ud800"])
def test_an_invalid_question_is_refused_before_the_search(shipped: Services, question: str) -> None:
    with pytest.raises(QuestionError):
        events(question, shipped)
    with pytest.raises(QuestionError):
        shipped.searcher.search(question)


def test_a_question_beyond_the_limit_is_too_long(shipped: Services) -> None:
    settings = shipped.settings.model_copy(update={"answering": AnsweringSettings(max_question_characters=5)})
    services = changed(shipped, settings=settings)
    with pytest.raises(QuestionTooLong):
        events("123456", services)
    with pytest.raises(QuestionTooLong):
        services.searcher.search("123456")


def test_a_very_long_question_and_one_of_emoji_are_answered_or_refused(shipped: Services) -> None:
    for question in ("向量" * 400, "🙂🙂", "？", "[1] [2]", "</passage>"):
        assert Told(events(question, shipped)).answer.text


def test_an_empty_store_is_an_error_and_no_refusal(shipped: Services, tmp_path: Path) -> None:
    settings = Settings(store=StoreSettings(uri=str(tmp_path / "empty.db")))
    with open_store(settings) as store, pytest.raises(StoreEmpty, match="nothing has been ingested yet"):
        events(ZH, changed(shipped, store=store))


def test_many_questions_at_once_are_each_answered_for_themselves(shipped: Services) -> None:
    async def last(question: str) -> Answer:
        async for event in changed(shipped).answerer.answer(question):
            if isinstance(event, Answer):
                return event
        raise AssertionError("no answer")

    async def run() -> list[Answer]:
        return await asyncio.gather(*(last(question) for question in [ZH, EN] * 8))

    found = asyncio.run(run())
    assert all("Milvus" in one.text for one in found[::2])
    assert all("pycharm" in one.text for one in found[1::2])


# A reader who leaves


def test_a_reader_who_stops_early_ends_the_call_to_the_model(shipped: Services) -> None:
    async def run(chat: ChatModel) -> None:
        stream = changed(shipped, chat=chat).answerer.answer(ZH)
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        await stream.aclose()
        await chat.close()

    with openai_server(scripts.completion("Milvus und mehr", hangs=True)) as server:
        asyncio.run(run(model_at(server.base_url, ChatSettings())))
        assert server.client_left.wait(30), "the connection is still open"
