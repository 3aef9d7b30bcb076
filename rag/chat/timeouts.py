"""Deadlines for answers that come piece by piece: until they begin, between two pieces, and altogether."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from rag.chat.protocol import ChatStream
from rag.errors import ChatTimeout
from rag.types import Attempt


@dataclass(frozen=True, slots=True)
class Timeouts:
    first_token_seconds: float
    idle_seconds: float


async def enforce_timeouts(pieces: ChatStream, deadlines: Timeouts, *, name: str, seconds_left: float) -> ChatStream:
    """The same pieces; ChatTimeout, and the generator closed, as soon as one is late.

    The consumer's own time counts towards `seconds_left` alone.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds_left
    wait, reason = (
        deadlines.first_token_seconds,
        "did not begin to answer within {} s (chat.first_token_timeout_seconds)",
    )
    async with aclosing(pieces):
        while True:
            left = end - loop.time()
            try:
                async with asyncio.timeout(min(wait, left)):
                    await asyncio.sleep(0)  # yields: with no time left, even a piece that is there already is late
                    piece = await anext(pieces, None)
            except TimeoutError as error:
                if left <= wait:
                    raise ChatTimeout(f"{name} was not done in time (chat.total_timeout_seconds)") from error
                raise ChatTimeout(f"{name} {reason.format(f'{wait:g}')}") from error
            if piece is None:
                return
            yield piece
            if not isinstance(piece, Attempt):
                wait, reason = deadlines.idle_seconds, "fell silent for {} s in mid-answer (chat.idle_timeout_seconds)"
