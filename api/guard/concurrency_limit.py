"""How many answers are written at a time: so many at once, so many waiting, and everybody else is told to come back."""

import asyncio
from collections import deque

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.disconnects import unless_gone
from api.error_formats import error_response
from api.guard.access import rule_of
from api.guard.rush import Rush
from rag.errors import TooManyAnswers

_RETRY_AFTER_SECONDS = 2.0
_FULL = "as many questions are being answered as this service allows; try again in a moment"


class ConcurrencyLimit:
    """`at_once` places and a queue for them, in the order of arrival. Used in one event loop."""

    def __init__(self, at_once: int, waiting: int, waiting_seconds: float, rush: Rush) -> None:
        self._at_once = at_once
        self._free = at_once
        self._waiting = waiting
        self._waiting_seconds = waiting_seconds
        self._queue: deque[asyncio.Future[None]] = deque()
        self.rush = rush

    @property
    def are_full(self) -> bool:
        """Whether there is neither a place nor one in the queue."""
        return not self._free and len(self._queue) >= self._waiting

    @property
    def taken_now(self) -> int:
        return self._at_once - self._free

    @property
    def waiting_now(self) -> int:
        return len(self._queue)

    def check(self) -> None:
        """Raises TooManyAnswers if they are full."""
        if self.are_full:
            raise self.refuse()

    def refuse(self) -> TooManyAnswers:
        """What one is told for whom there is no room."""
        self.rush.note_arrival()
        return TooManyAnswers(_FULL, retry_after_seconds=_RETRY_AFTER_SECONDS)

    def line_up(self) -> asyncio.Future[None]:
        """A turn, done once it has a place, in the order of the calls; to be left in the end, whatever comes of it.

        Raises TooManyAnswers if there is no room.
        """
        self.check()
        turn = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            turn.set_result(None)
        else:
            self._queue.append(turn)
        return turn

    async def wait(self, turn: asyncio.Future[None]) -> bool:
        """Return True once the turn has a place. Raises TooManyAnswers if that takes too long."""
        try:
            async with asyncio.timeout(self._waiting_seconds):
                await turn
        except TimeoutError as error:
            raise TooManyAnswers(
                f"no question was done within {self._waiting_seconds:g} seconds; try again in a moment",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            ) from error
        return True

    def leave(self, turn: asyncio.Future[None]) -> None:
        """Give its place to the next one, or the one in the queue if it never got that far."""
        if turn in self._queue:
            self._queue.remove(turn)
        elif not turn.cancelled():
            self._give_back()

    def _give_back(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1


class AnswerLimitMiddleware:
    """ASGI middleware that gives a place to each request that is answered from the documents, once it is all there.

    Who sends a body slowly would otherwise hold a place for it.
    """

    def __init__(self, app: ASGIApp, *, places: ConcurrencyLimit) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (rule := rule_of(scope["method"], scope["path"])).answers:
            await self._app(scope, receive, send)
            return
        try:
            self._places.check()  # before anything of the body is read
            first = await _whole(receive)
            if first["type"] == "http.disconnect":
                return
            # At once: whoever comes next in a rush is to find the place taken.
            turn = self._places.line_up()
            try:
                if turn.done() or await unless_gone(Request(scope, receive), self._places.wait(turn)):
                    await self._places.rush.over()
                    await self._app(scope, _beginning_with(first, receive), send)
            finally:
                self._places.leave(turn)
        except TooManyAnswers as error:
            await error_response(error, rule.dialect)(scope, receive, send)


async def _whole(receive: Receive) -> Message:
    """The body as one message, or that the client has gone. How large it may be is seen to outside."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(pieces), "more_body": False}


def _beginning_with(first: Message, receive: Receive) -> Receive:
    messages = [first]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received
