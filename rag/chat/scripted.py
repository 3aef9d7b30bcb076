"""A chat model that plays a script: for tests, and for looking at the surfaces without a model."""

from collections.abc import Sequence

from rag.chat import Finished, Piece, Pieces, Text
from rag.errors import ChatError
from rag.prompt import Prompt


class ScriptedChat:
    """Says the given pieces, in order, whatever it is asked; then raises `error` if there is one.

    A string is a piece of text. `prompts` keeps what it was asked.
    """

    is_extractive = False

    def __init__(
        self,
        pieces: Sequence[str | Piece],
        *,
        error: ChatError | None = None,
        name: str = "scripted",
        context_tokens: int | None = None,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._pieces = tuple(Text(piece) if isinstance(piece, str) else piece for piece in pieces)
        self._error = error
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> Pieces:
        self.prompts.append(prompt)
        for piece in self._pieces:
            yield piece
        if self._error:
            raise self._error
        if not any(isinstance(piece, Finished) for piece in self._pieces):
            yield Finished(self.name)

    async def close(self) -> None:
        return None
