"""Graceful shutdown: refuse new requests, let running ones finish for a while, end longer streams with an event."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_formats import ErrorFormat, error_response
from api.guard.route_rules import rule_of
from api.request_errors import Stopping

_LAST_EVENT_SECONDS = 0.5
_POLL_SECONDS = 0.05
_HEALTH = "/health/"


class Drain:
    """The running requests, and how far the shutdown is.

    `is_stopping`: new requests are refused. `is_closing`: the running requests are being cancelled.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_closing = False
        self._running: set[asyncio.Task[object]] = set()

    def enter(self, task: asyncio.Task[object]) -> None:
        """Count a task as a running request."""
        self._running.add(task)

    def leave(self, task: asyncio.Task[object]) -> None:
        """Count it no longer."""
        self._running.discard(task)

    async def run(self, seconds: float) -> None:
        """Refuse new requests and return when all have finished; after `seconds`, cancel the remaining ones first."""
        self.is_stopping = True
        await self._wait_until_empty(seconds)
        self.is_closing = True
        for task in self._running:
            task.cancel()
        await self._wait_until_empty(2 * _LAST_EVENT_SECONDS)

    async def _wait_until_empty(self, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while self._running and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_POLL_SECONDS)


@dataclass(slots=True)
class _Response:
    """What has been sent of a response."""

    send: Send
    is_started: bool = False
    is_complete: bool = False
    is_event_stream: bool = False
    ends_an_event: bool = True

    async def forward(self, message: Message) -> None:
        """Send a message, and note what it was."""
        if message["type"] == "http.response.start":
            self.is_started = True
            content_type = dict(message.get("headers", ())).get(b"content-type", b"")
            self.is_event_stream = content_type.startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self.is_complete = not message.get("more_body", False)
            if body := message.get("body", b""):
                self.ends_an_event = body.endswith(b"\n\n")
        await self.send(message)

    async def close(self, error: Stopping, error_format: ErrorFormat) -> None:
        """End a stream of events with the error. Other responses that have begun cannot carry one."""
        if self.is_event_stream and not self.is_complete:
            last = error_format.last_event(error)
            body = last if self.ends_an_event else b"\n\n" + last
            await self.send({"type": "http.response.body", "body": body, "more_body": False})


class DrainingMiddleware:
    """ASGI middleware that reports requests to a `Drain` and refuses them once it is stopping.

    Health probes are served until the end.
    """

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_HEALTH):
            await self._app(scope, receive, send)
            return
        error_format = rule_of(scope["method"], scope["path"]).error_format
        error = Stopping("the service is shutting down; try again in a moment")
        if self._drain.is_stopping:
            await error_response(error, error_format)(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (the server runs each request as a task)
        response = _Response(send)
        self._drain.enter(task)
        try:
            await self._app(scope, receive, response.forward)
        except asyncio.CancelledError:
            if not self._drain.is_closing:
                raise
            task.uncancel()
            # A client that does not read must not delay the shutdown.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_EVENT_SECONDS):
                    if response.is_started:
                        await response.close(error, error_format)
                    else:
                        await error_response(error, error_format)(scope, receive, send)
        finally:
            self._drain.leave(task)
