"""The chat seam: messages in, text out, piece by piece as it is written."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.types import Attempt, Usage


@dataclass(frozen=True, slots=True)
class Message:
    """One message of what a model is asked."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of a model's reasoning. It is shown to those who want to see it, and is not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The text of `model` is complete, or `truncated` at its length limit.

    `usage` is None if the provider does not report it.
    """

    model: str
    truncated: bool = False
    usage: Usage | None = None


ChatPiece = TextDelta | ReasoningDelta | Attempt | Finished
ChatStream = AsyncGenerator[ChatPiece, None]


class ChatModel(Protocol):
    """Continues a conversation. One instance serves many requests at once.

    >>> import asyncio
    >>> from rag.chat.scripted import ScriptedChat
    >>> async def ask(model: ChatModel, question: str) -> str:
    ...     stream = model.stream([Message("user", question)])
    ...     return "".join([piece.text async for piece in stream if isinstance(piece, TextDelta)])
    >>> asyncio.run(ask(ScriptedChat(["Milvus ", "is a database."]), "What is Milvus?"))
    'Milvus is a database.'
    """

    @property
    def name(self) -> str:
        """Provider and model for people and for the `model` of an answer, such as `qwen/qwen-plus`."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and answer may have together; None if that is not known."""
        ...

    def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the text as it is written, and `Finished` last.

        `ReasoningDelta` may come before the text. A model that makes several calls yields an `Attempt` at the end of
        each. Raises ChatError; unless it raises, `Finished` has come. Closing the generator ends the call behind it.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
