"""The chat seam: a prompt in, an answer with citation markers out, piece by piece as it is written."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from rag.chat.prompt import Prompt
from rag.types import Attempt, Usage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what a model thinks before it answers: for the curious, no part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer of `model` is whole, or `truncated` at its length limit. `usage` is None where nobody counts."""

    model: str
    truncated: bool = False
    usage: Usage | None = None


ChatPiece = TextDelta | ReasoningDelta | Attempt | Finished
ChatStream = AsyncGenerator[ChatPiece, None]


class ChatModel(Protocol):
    """Writes answers. One instance serves many requests at once."""

    @property
    def name(self) -> str:
        """For people and for the `model` of an answer, such as `qwen/qwen-plus`."""
        ...

    @property
    def is_extractive(self) -> bool:
        """True if it only quotes passages, so that an answer can say so."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """What it can hold, prompt and answer together; None if that is not known or there is no limit."""
        ...

    def stream(self, prompt: Prompt) -> ChatStream:
        """The answer as `Text` with markers `[n]`, exactly `DECLINED` if the passages do not answer; last `Finished`.

        `Reasoning` may come before the text, and where several calls are made, an `Attempt` at the end of each.
        Raises ChatError; without one, `Finished` has come. Closing the generator ends the call behind it.
        """
        ...

    async def close(self) -> None: ...
