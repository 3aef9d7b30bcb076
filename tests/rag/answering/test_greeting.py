"""What is said to small talk."""

from collections.abc import Sequence

import pytest

from rag.answering.answer import PassagesFound
from rag.answering.greeting import greeting_text
from rag.chat.scripted import ScriptedChat
from rag.text.language import ReplyLanguage
from rag.wiring import Services
from tests.kit.answers import Told, events
from tests.kit.services import changed


def test_it_says_what_there_is_and_three_questions_to_ask() -> None:
    headings = [("概述", "资源"), ("概述", "概念"), ("概述", "学习路线"), ("概述", "架构")]
    assert greeting_text("zh", headings).split("\n") == [
        "你好！我根据知识库回答问题，里面有：资源、概念、学习路线、架构。",
        "比如可以问：",
        "- “资源”讲了什么？",
        "- “概念”讲了什么？",
        "- “学习路线”讲了什么？",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_its_questions_are_answered(shipped: Services, language: ReplyLanguage) -> None:
    _, _, *lines = greeting_text(language, shipped.store.snapshot().headings()).split("\n")
    assert [line for line in lines if Told(events(line.removeprefix("- "), shipped)).answer.refused] == []
    assert len(lines) == 3


@pytest.mark.parametrize("headings", [[], [()]])
def test_without_documents_it_only_greets(headings: Sequence[tuple[str, ...]]) -> None:
    assert "\n" not in greeting_text("en", headings)


@pytest.mark.parametrize("question", ["你好", "Thanks!", "¿Qué puedes hacer?"])
def test_small_talk_is_answered_without_a_search_and_without_a_model(shipped: Services, question: str) -> None:
    chat = ScriptedChat(["never"])
    told = Told(events(question, changed(shipped, chat=chat)), chat)
    assert (told.answer.reason, told.answer.refused, told.answer.citations) == ("small_talk", True, ())
    assert told.events == [PassagesFound(()), told.answer]
    assert not told.answer.attempts
