"""A chat model that plays a script: for tests, and for looking at the surfaces without a model."""

from collections.abc import AsyncIterator, Sequence

from rag.errors import ChatError
from rag.prompt import Prompt


class ScriptedChat:
    """Says the given pieces, in order, whatever it is asked; then raises `error` if there is one.

    `prompts` keeps what it was asked.
    """

    name = "scripted"
    is_extractive = False

    def __init__(self, pieces: Sequence[str], *, error: ChatError | None = None) -> None:
        self._pieces = tuple(pieces)
        self._error = error
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        self.prompts.append(prompt)
        for piece in self._pieces:
            yield piece
        if self._error:
            raise self._error

    async def close(self) -> None:
        return None
