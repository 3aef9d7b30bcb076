"""How the service ends: nothing new, some seconds for requests under way, a last event for longer streams."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_formats import ErrorFormat, error_response
from api.guard.access import rule_of
from rag.errors import Stopping

_LAST_WORDS_SECONDS = 0.5
_POLL_SECONDS = 0.05
_HEALTH = "/health/"


class Drain:
    """The requests under way, and whether others are still taken."""

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_closing = False
        self._under_way: set[asyncio.Task[object]] = set()

    def enter(self, task: asyncio.Task[object]) -> None:
        self._under_way.add(task)

    def leave(self, task: asyncio.Task[object]) -> None:
        self._under_way.discard(task)

    async def run(self, seconds: float) -> None:
        """Refuse what is new; return when nothing is under way, or `seconds` and a last event later."""
        self.is_stopping = True
        await self._emptied(seconds)
        self.is_closing = True
        for task in self._under_way:
            task.cancel()
        await self._emptied(2 * _LAST_WORDS_SECONDS)

    async def _emptied(self, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while self._under_way and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class _Response:
    """How far a response has come."""

    send: Send
    is_started: bool = False
    is_complete: bool = False
    is_event_stream: bool = False
    ends_an_event: bool = True

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            content_type = dict(message.get("headers", ())).get(b"content-type", b"")
            self.is_event_stream = content_type.startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self.is_complete = not message.get("more_body", False)
            if body := message.get("body", b""):
                self.ends_an_event = body.endswith(b"\n\n")
        await self.send(message)

    async def close(self, error: Stopping, dialect: ErrorFormat) -> None:
        """End a stream of events with the error. Nothing can be said in the middle of anything else."""
        if self.is_event_stream and not self.is_complete:
            last = dialect.last_event(error)
            body = last if self.ends_an_event else b"\n\n" + last
            await self.send({"type": "http.response.body", "body": body, "more_body": False})


class DrainingMiddleware:
    """ASGI middleware for `Drain`. Probes are answered to the last."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_HEALTH):
            await self._app(scope, receive, send)
            return
        dialect = rule_of(scope["method"], scope["path"]).dialect
        error = Stopping("the service is shutting down; try again in a moment")
        if self._drain.is_stopping:
            await error_response(error, dialect)(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a request is always a task)
        response = _Response(send)
        self._drain.enter(task)
        try:
            await self._app(scope, receive, response.pass_on)
        except asyncio.CancelledError:
            if not self._drain.is_closing:
                raise
            task.uncancel()
            # A client that does not read must not keep the service from ending.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    if response.is_started:
                        await response.close(error, dialect)
                    else:
                        await error_response(error, dialect)(scope, receive, send)
        finally:
            self._drain.leave(task)
