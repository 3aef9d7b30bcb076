"""The contract of every chat model: the extractive one, the scripted one, a chain, and one behind a real socket."""

import asyncio
from collections.abc import Iterator

import pytest

from rag.chat.fallback import FallbackChat
from rag.chat.protocol import ChatModel, Finished, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatBroken
from rag.settings import ChatSettings
from tests.kit.chat import MESSAGES, heard, model_at
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import openai_server

TEXT = "Ollama 是平台。 [1]"
SETTINGS = ChatSettings()


@pytest.fixture(params=["scripted", "chain", "endpoint"])
def chat(request: pytest.FixtureRequest) -> Iterator[ChatModel]:
    """A model that answers `TEXT`."""
    pieces = (TEXT[:5], TEXT[5:])
    if request.param == "scripted":
        yield ScriptedChat(pieces)
    elif request.param == "chain":
        broken = ScriptedChat([], error=ChatBroken("half"), name="broken")
        yield FallbackChat([broken, ScriptedChat(pieces)], SETTINGS)
    else:
        with openai_server(completion(*pieces)) as server:
            yield model_at(server.base_url, SETTINGS)


def test_the_text_comes_in_pieces_and_last_the_end(chat: ChatModel) -> None:
    pieces, error = asyncio.run(heard(chat))
    assert error is None
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == TEXT
    assert all(piece.text for piece in pieces if isinstance(piece, TextDelta))
    assert [piece for piece in pieces if isinstance(piece, Finished)] == pieces[-1:]
    assert isinstance(pieces[-1], Finished)
    assert not pieces[-1].truncated


def test_its_name_is_that_of_the_writer(chat: ChatModel) -> None:
    name = chat.name
    pieces, _ = asyncio.run(heard(chat))
    assert isinstance(pieces[-1], Finished)
    assert name.endswith(pieces[-1].model)


def test_it_can_be_left_after_any_piece_and_asked_again(chat: ChatModel) -> None:
    async def run() -> list[int]:
        counts = []
        for stop in (1, 2, 3, 99):
            stream = chat.stream(MESSAGES)
            count = 0
            async for _ in stream:
                count += 1
                if count == stop:
                    break
            await stream.aclose()
            counts.append(count)
        await chat.close()
        return counts

    counts = asyncio.run(run())
    assert counts[0] == 1
    assert counts[-1] == max(counts)


def test_many_questions_at_once_are_each_answered_whole(chat: ChatModel) -> None:
    async def one() -> str:
        return "".join([piece.text async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)])

    async def run() -> list[str]:
        found = await asyncio.gather(*(one() for _ in range(10)))
        await chat.close()
        return found

    assert asyncio.run(run()) == [TEXT] * 10


@pytest.mark.parametrize("kind", ["scripted", "chain", "endpoint"])
def test_an_answer_that_breaks_off_never_ends_as_if_it_were_whole(kind: str) -> None:
    half = ScriptedChat(["一半"], error=ChatBroken("half"))
    with openai_server(completion("一半", breaks_off=True)) as server:
        endpoint = model_at(server.base_url, SETTINGS)
        models = {"scripted": half, "chain": FallbackChat([half], SETTINGS), "endpoint": endpoint}
        pieces, error = asyncio.run(heard(models[kind]))
    assert isinstance(error, ChatBroken)
    assert TextDelta("一半") in pieces
    assert not any(isinstance(piece, Finished) for piece in pieces)
