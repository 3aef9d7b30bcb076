"""The limit on questions that are answered at once: some run, some queue, all others get 429 with `Retry-After`."""

import asyncio
from typing import Literal

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.cancel_on_disconnect import unless_gone
from api.current_caller import current_caller
from api.error_formats import error_response
from api.guard.route_rules import rule_of
from api.request_errors import TooManyAnswers
from rag.fair_queue import FairQueue

_RETRY_AFTER_SECONDS = 2.0


class ConcurrencyLimit:
    """A semaphore of `max_running` slots with a bounded queue, in which callers take turns. For use in one event loop.

    When the queue is full, the caller with the most waiting requests loses its last one to a caller with fewer.
    """

    def __init__(self, *, max_running: int, max_queued: int, queue_timeout_seconds: float) -> None:
        self._max_running = max_running
        self._max_queued = max_queued
        self._queue_timeout_seconds = queue_timeout_seconds
        self._running = 0
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()

    @property
    def running(self) -> int:
        """How many slots are taken."""
        return self._running

    @property
    def queued(self) -> int:
        """How many callers wait for a slot."""
        return len(self._queue)

    @property
    def has_free_slot(self) -> bool:
        """Whether `acquire` would return at once."""
        return self._running < self._max_running

    def reject_if_full(self, caller: str = "") -> None:
        """Raise TooManyAnswers if all slots are taken and there is no room in the queue for this caller."""
        if not self.has_free_slot and len(self._queue) >= self._max_queued and not self._queue.greediest(caller):
            raise _too_many()

    async def acquire(self, caller: str = "") -> Literal[True]:
        """Take a slot, after waiting in the queue if none is free. Each call that returns needs one `release`.

        Raises TooManyAnswers if there is no room in the queue, if another caller gets the room, or if no slot becomes
        free within `queue_timeout_seconds`.
        """
        self.reject_if_full(caller)
        if self.has_free_slot:
            self._running += 1
            return True
        if len(self._queue) >= self._max_queued:
            self._make_room(caller)
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(caller, turn)
        try:
            async with asyncio.timeout(self._queue_timeout_seconds):
                await turn
        except TimeoutError as error:
            self._leave_queue(caller, turn)
            raise TooManyAnswers(
                f"no question was finished within {self._queue_timeout_seconds:g} seconds; try again in a moment",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            ) from error
        except asyncio.CancelledError:
            self._leave_queue(caller, turn)
            raise
        return True

    def release(self) -> None:
        """Hand the slot to the next in the queue, or free it if nobody waits."""
        while turn := self._queue.popleft():
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

    def _make_room(self, caller: str) -> None:
        if greedy := self._queue.greediest(caller):
            rejected = self._queue.pop(greedy)
            if not rejected.done():
                rejected.set_exception(_too_many())

    def _leave_queue(self, caller: str, turn: asyncio.Future[None]) -> None:
        if not self._queue.remove(caller, turn) and not turn.cancelled() and turn.exception() is None:
            self.release()  # it was handed a slot in the same moment


def _too_many() -> TooManyAnswers:
    message = "too many questions are being answered; try again in a moment"
    return TooManyAnswers(message, retry_after_seconds=_RETRY_AFTER_SECONDS)


class AnswerLimitMiddleware:
    """ASGI middleware that holds a slot for each request to a route that answers questions.

    It waits for the whole body first: a client that sends its body slowly would hold a slot meanwhile.
    """

    def __init__(self, app: ASGIApp, *, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (rule := rule_of(scope["method"], scope["path"])).answers:
            await self._app(scope, receive, send)
            return
        try:
            self._limit.reject_if_full(current_caller().name)  # before reading the body
            body = await _whole_body(receive)
            if body["type"] != "http.disconnect" and await self._acquire(Request(scope, receive)):
                try:
                    await self._app(scope, _body_first(body, receive), send)
                finally:
                    self._limit.release()
        except TooManyAnswers as error:
            await error_response(error, rule.error_format)(scope, receive, send)

    async def _acquire(self, request: Request) -> bool:
        """Take a slot; False if the client left while it was in the queue."""
        acquired = self._limit.acquire(current_caller().name)
        return await acquired if self._limit.has_free_slot else bool(await unless_gone(request, acquired))


async def _whole_body(receive: Receive) -> Message:
    """The body as one message, or the message that the client has gone. BodyLimitMiddleware bounds its size."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(pieces), "more_body": False}


def _body_first(body: Message, receive: Receive) -> Receive:
    """A `receive` that gives the body, then whatever comes after it."""
    unread = [body]

    async def received() -> Message:
        return unread.pop() if unread else await receive()

    return received
