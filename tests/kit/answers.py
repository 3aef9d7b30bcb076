"""Questions to the shipped knowledge, and what is heard of an answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

from rag.answering.answer import AnswerEvent, PassagesFound
from rag.chat.protocol import TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatError
from rag.types import Answer
from rag.wiring import Services
from tests.kit.services import changed

ZH = "向量数据库有哪些知名组件？"
EN = "What is the official website of PyCharm?"
UNANSWERABLE_ZH = "明天上海会下雨吗？"
UNANSWERABLE_EN = "When was GPT-4 released?"


def events(question: str, services: Services, **options: Any) -> list[AnswerEvent]:
    """Ask, and return all events of the answer."""

    async def run() -> list[AnswerEvent]:
        return [event async for event in services.answerer.answer(question, **options)]

    return asyncio.run(run())


def told(shipped: Services, pieces: Sequence[str], question: str = ZH, error: ChatError | None = None) -> "Told":
    """The answer to a question, written by a model that says these pieces and then fails if there is an error."""
    chat = ScriptedChat(pieces, error=error)
    return Told(events(question, changed(shipped, chat=chat)), chat)


class Told:
    """The events of one answer, by kind."""

    def __init__(self, heard: list[AnswerEvent], chat: ScriptedChat | None = None) -> None:
        self.events = heard
        self.chat = chat
        self.deltas = [event.text for event in heard if isinstance(event, TextDelta)]
        self.passages = [event for event in heard if isinstance(event, PassagesFound)]
        (self.answer,) = [event for event in heard if isinstance(event, Answer)]
