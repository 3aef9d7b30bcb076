"""The chat seam: a prompt in, text with citation markers out, as it is written."""

from collections.abc import AsyncIterator
from typing import Protocol

from rag.prompt import Prompt


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

    def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """The answer in pieces, with markers `[n]`; exactly `DECLINED` if the passages do not answer.

        Raises ChatUnavailable, ChatTimeout or ChatBroken. Ending without an error means that the answer is complete.
        """
        ...

    async def close(self) -> None: ...
