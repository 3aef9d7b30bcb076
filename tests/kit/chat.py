"""Prompts and listeners that the tests of the chat models share."""

import re
from collections.abc import Sequence

from rag.chat.prompt import Prompt, build_prompt
from rag.chat.protocol import ChatModel, ChatPiece, Message, TextDelta
from rag.errors import ChatError
from rag.retrieval.evidence import Evidence
from rag.types import Chunk, ChunkKind, Hit, Passage

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


async def said(chat: ChatModel, messages: Sequence[Message] = MESSAGES) -> list[str]:
    try:
        return [piece.text async for piece in chat.stream(messages) if isinstance(piece, TextDelta)]
    finally:
        await chat.close()


async def heard(chat: ChatModel, messages: Sequence[Message] = MESSAGES) -> tuple[list[ChatPiece], ChatError | None]:
    """Everything that came, and the error that ended it."""
    pieces: list[ChatPiece] = []
    try:
        async for piece in chat.stream(messages):
            pieces.append(piece)
    except ChatError as error:
        return pieces, error
    finally:
        await chat.close()
    return pieces, None


def shown_in(message: Message) -> list[int]:
    """The numbers of the passages in a prompt."""
    return [int(number) for number in re.findall(r'<passage number="(\d+)"', message.content)]
