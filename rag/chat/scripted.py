"""A chat model that plays a script: for tests, and for trying the API and the web page without a real model."""

from collections.abc import Sequence

from rag.chat.protocol import ChatPiece, ChatStream, Finished, Message, TextDelta
from rag.errors import ChatError


class ScriptedChat:
    """Yields the given pieces, whatever the messages are, then raises `error` if there is one.

    A string is a piece of text. `first` holds the replies to the first calls; `pieces` is the reply to every call after
    them. `requests` records the messages of each call.
    """

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
        self._replies = [_to_pieces(reply) for reply in (*first, pieces)]
        self._error = error
        self.requests: list[tuple[Message, ...]] = []

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the reply to this call, and `Finished` last unless the reply has one.

        Raises `error` after the last reply of the script.
        """
        self.requests.append(tuple(messages))
        is_last = len(self.requests) >= len(self._replies)
        pieces = self._replies[-1 if is_last else len(self.requests) - 1]
        for piece in pieces:
            yield piece
        if self._error and is_last:
            raise self._error
        if not any(isinstance(piece, Finished) for piece in pieces):
            yield Finished(self.name)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def _to_pieces(reply: Sequence[str | ChatPiece]) -> tuple[ChatPiece, ...]:
    return tuple(TextDelta(piece) if isinstance(piece, str) else piece for piece in reply)
