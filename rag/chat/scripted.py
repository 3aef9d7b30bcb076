"""A chat model that plays a script: for tests, and for looking at the surfaces without a model."""

from collections.abc import Sequence

from rag.chat.prompt import Prompt
from rag.chat.protocol import ChatPiece, ChatStream, Finished, TextDelta
from rag.errors import ChatError


class ScriptedChat:
    """Says the given pieces, in order, whatever it is asked; then raises `error` if there is one.

    A string is a piece of text. `first` has what it says before that, call by call. `prompts` keeps what it was asked.
    """

    is_extractive = False

    def __init__(
        self,
        pieces: Sequence[str | ChatPiece],
        *,
        error: ChatError | None = None,
        name: str = "scripted",
        context_tokens: int | None = None,
        first: Sequence[Sequence[str | ChatPiece]] = (),
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._replies = [_pieces(reply) for reply in (*first, pieces)]
        self._error = error
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> ChatStream:
        self.prompts.append(prompt)
        is_last = len(self.prompts) >= len(self._replies)
        pieces = self._replies[-1 if is_last else len(self.prompts) - 1]
        for piece in pieces:
            yield piece
        if self._error and is_last:
            raise self._error
        if not any(isinstance(piece, Finished) for piece in pieces):
            yield Finished(self.name)

    async def close(self) -> None:
        return None


def _pieces(reply: Sequence[str | ChatPiece]) -> tuple[ChatPiece, ...]:
    return tuple(TextDelta(piece) if isinstance(piece, str) else piece for piece in reply)
