"""The seam to chat models: messages in, text out, piece by piece as the model writes it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.types import Attempt, Usage


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a chat model: the rules (`system`), or what a person or this program asks (`user`)."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the text that a model writes; all pieces since the last TextRetracted, joined, are the text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning. Clients may show it, but it is not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class TextRetracted:
    """All text of this answer so far was reasoning, as it turns out; the answer begins after this."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The text of `model` is complete, or `truncated` at its length limit.

    `usage` is None if the provider does not report it.
    """

    model: str
    truncated: bool = False
    usage: Usage | None = None


ChatPiece = TextDelta | ReasoningDelta | TextRetracted | Attempt | Finished
ChatStream = AsyncGenerator[ChatPiece, None]


class ChatModel(Protocol):
    """A model that answers messages with text. One instance may serve many requests at the same time.

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
        """Provider and model, such as `qwen/qwen-plus`: the `model` of an answer."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and answer may have together; None if that is unknown."""
        ...

    def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the text piece by piece as the model writes it, and `Finished` last.

        `ReasoningDelta` may come before the text. A model that makes several calls yields an `Attempt` at the end of
        each. Raises ChatError if the call fails; a stream that ends without an error has yielded `Finished`. Closing
        the generator cancels the call.
        """
        ...

    async def close(self) -> None:
        """Close the connections. The model cannot be used afterwards."""
        ...
