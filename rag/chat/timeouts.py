"""Deadlines for a streamed answer: until its first piece, between two pieces, and for the whole answer."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from rag.chat.protocol import ChatStream
from rag.errors import ChatTimeout
from rag.types import Attempt


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a model may take until its first piece, and between two pieces."""

    first_token_seconds: float
    idle_seconds: float


async def enforce_timeouts(pieces: ChatStream, timeouts: Timeouts, *, name: str, seconds_left: float) -> ChatStream:
    """Yield the same pieces. If one is late, close the generator and raise ChatTimeout, which names the setting.

    `name` is the model's; `seconds_left` is the time for the whole answer. Time that the consumer takes counts towards
    `seconds_left` only.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds_left
    timeout, problem = (
        timeouts.first_token_seconds,
        "did not begin to answer within {} s (chat.first_token_timeout_seconds)",
    )
    async with aclosing(pieces):
        while True:
            left = end - loop.time()
            try:
                async with asyncio.timeout(min(timeout, left)):
                    await asyncio.sleep(0)  # lets the timeout fire if no time is left, even if the next piece is ready
                    piece = await anext(pieces, None)
            except TimeoutError as error:
                if left <= timeout:
                    raise ChatTimeout(f"{name} did not finish in time (chat.total_timeout_seconds)") from error
                raise ChatTimeout(f"{name} {problem.format(f'{timeout:g}')}") from error
            if piece is None:
                return
            yield piece
            if not isinstance(piece, Attempt):
                timeout = timeouts.idle_seconds
                problem = "sent nothing for {} s in the middle of the answer (chat.idle_timeout_seconds)"
