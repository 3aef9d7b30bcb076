"""The scripted chat model."""

import asyncio

import pytest

from rag.chat.protocol import TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatTimeout
from tests.kit.chat import MESSAGES, said


def test_the_scripted_model_says_its_pieces_and_keeps_what_it_was_asked() -> None:
    chat = ScriptedChat(["a", "b"])
    assert asyncio.run(said(chat)) == ["a", "b"]
    assert chat.requests == [MESSAGES]


def test_the_scripted_model_fails_after_its_pieces() -> None:
    async def run() -> list[str]:
        heard = []
        with pytest.raises(ChatTimeout):
            async for piece in ScriptedChat(["a"], error=ChatTimeout("late")).stream(MESSAGES):
                assert isinstance(piece, TextDelta)
                heard.append(piece.text)
        return heard

    assert asyncio.run(run()) == ["a"]
