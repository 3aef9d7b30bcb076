"""Prompts, models at the scripted server, and listeners: what the tests of the chat models share."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.chat.fallback import FallbackChat
from rag.chat.openai_compatible import OpenAIChat
from rag.chat.presets import CUSTOM, Preset
from rag.chat.prices import Price
from rag.chat.prompt import Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatPiece, Message, TextDelta
from rag.errors import ChatError
from rag.retrieval.evidence import Evidence
from rag.settings import ChatSettings
from rag.types import Chunk, ChunkKind, Hit, Passage
from tests.kit.openai_server import OpenAIServer, Script

KEY = "sk-0123456789abcdef"


def passage(
    number: int, content: str, *, kind: ChunkKind = "text", heading: str = "", group: str = "", score: float = 1.0
) -> Passage:
    chunk = Chunk(
        id=str(number),
        source="a.md",
        title="",
        heading_path=(heading,) if heading else (),
        anchor="",
        kind=kind,
        position=number,
        group=group or str(number),
        start_line=number,
        end_line=number,
        content=content,
    )
    return Passage(number, Hit(chunk, score, 0.9, 0.5))


def evidence_of(*passages: Passage, idf: dict[str, float] | None = None) -> Evidence:
    return Evidence("什么是 Ollama？", "zh", passages, idf or {"ollama": 2.0}, 0.9)


def prompt_of(*passages: Passage, idf: dict[str, float] | None = None) -> Prompt:
    return build_prompt(evidence_of(*passages, idf=idf))


PROMPT = prompt_of(passage(1, "Ollama 是平台。"))
MESSAGES = PROMPT.messages


def chat_at(
    server: OpenAIServer,
    *scripts: Script,
    key: str = KEY,
    preset: Preset = CUSTOM,
    price: Price | None = None,
    **given: Any,
) -> FallbackChat:
    """The model `custom/m` at the server, which plays the scripts; `given` are settings of the chat model."""
    server.play(*scripts)
    settings = ChatSettings(**{"total_timeout_seconds": 60, **given})
    return FallbackChat([model_at(server.base_url, settings, key=key, preset=preset, price=price)], settings)


def model_at(
    base_url: str, settings: ChatSettings, *, key: str = KEY, preset: Preset = CUSTOM, price: Price | None = None
) -> OpenAIChat:
    """The model `custom/m` at an address."""
    return OpenAIChat(settings, name="custom/m", base_url=base_url, model="m", api_key=key, preset=preset, price=price)


async def said(chat: ChatModel, messages: Sequence[Message] = MESSAGES) -> list[str]:
    """The pieces of text of one answer."""
    try:
        return [piece.text async for piece in chat.stream(messages) if isinstance(piece, TextDelta)]
    finally:
        await chat.close()


async def heard(
    chat: ChatModel, messages: Sequence[Message] = MESSAGES, on_piece: Callable[[], object] = lambda: None
) -> tuple[list[ChatPiece], ChatError | None]:
    """Everything that came, and the error that ended it. `on_piece` is called after each piece."""
    pieces: list[ChatPiece] = []
    try:
        async for piece in chat.stream(messages):
            pieces.append(piece)
            on_piece()
    except ChatError as error:
        return pieces, error
    finally:
        await chat.close()
    return pieces, None


def shown_in(message: Message) -> list[int]:
    """The numbers of the passages in a prompt."""
    return [int(number) for number in re.findall(r'<passage number="(\d+)"', message.content)]


@dataclass(frozen=True, slots=True)
class Failure:
    """How a stream failed: the pieces of text before that, and the error."""

    heard: list[str]
    error: ChatError


def failure(chat: ChatModel, on_piece: Callable[[], object] = lambda: None) -> Failure:
    """Ask, and expect the answer to fail. `on_piece` is called after each piece."""
    pieces, error = asyncio.run(heard(chat, on_piece=on_piece))
    texts = [piece.text for piece in pieces if isinstance(piece, TextDelta)]
    assert error is not None, f"the stream ended as if all were well, after {texts}"
    return Failure(texts, error)
