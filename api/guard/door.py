"""Questions for which there is no room, turned away before they cost anything.

When a thousand arrive in one instant, each waits for whatever is done for those before it. So these are told no ahead
of all that others go through, which would have told them the same.
"""

import asyncio
from collections import deque

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from api.dialects import Dialect, refusal
from api.guard.access import rule_of
from api.guard.authentication import caller_among
from api.guard.draining import Drain
from api.guard.hosts import Hosts
from api.guard.keys import Keys
from api.guard.places import Places
from api.guard.security_headers import add_security_headers
from api.monitoring.request_log import RequestLines, Served
from rag.errors import RequestRefused, TooManyAnswers

_PAUSE_SECONDS = 0.1
_LINES_AT_A_TIME = 250
_MOST_UNWRITTEN = 10_000


class Door:
    """What is served: the application, and in front of it this. Whom it does not turn away, it leaves to that."""

    def __init__(
        self, app: FastAPI, *, places: Places, drain: Drain, hosts: Hosts, keys: Keys, lines: RequestLines
    ) -> None:
        self.app = app
        self._places = places
        self._drain = drain
        self._hosts = hosts
        self._keys = keys
        self._lines = LaterLines(lines)
        self._answers: dict[str, tuple[Message, Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._places.are_full and (refused := self._refused(scope)):
            for message in self._answer(self._places.refuse(), refused.rule.dialect):
                await send(message)
            self._lines.write(refused)
            return
        await self.app(scope, receive, send)
        if scope["type"] == "lifespan":
            self._lines.write_all()

    def _refused(self, scope: Scope) -> Served | None:
        """What to say of the request, if nothing but the want of a place stands between it and its answer.

        The rest is for the others, who say what is wrong with it. So is what comes from a page, whose browser wants
        headers of its own in the answer.
        """
        rule = rule_of(scope["method"], scope["path"])
        headers = Headers(scope=scope)
        if not rule.answers or self._drain.is_stopping or "origin" in headers:
            return None
        try:
            self._hosts.check(scope["method"], headers)
            caller = caller_among(self._keys, headers, rule)
        except RequestRefused:
            return None
        return Served(scope["method"], rule, status=429, seconds=0.0, key=caller.name if caller else None)

    def _answer(self, error: TooManyAnswers, dialect: Dialect) -> tuple[Message, Message]:
        """The same each time, so it is put together once for each protocol."""
        if dialect.name not in self._answers:
            answer = refusal(error, dialect)
            add_security_headers(MutableHeaders(raw=answer.raw_headers))
            start = {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
            self._answers[dialect.name] = start, {"type": "http.response.body", "body": answer.body}
        return self._answers[dialect.name]


class LaterLines:
    """Lines of the log that are written when the answers have gone out: a line takes longer than a refusal."""

    def __init__(self, lines: RequestLines) -> None:
        self._lines = lines
        self._unwritten: deque[Served] = deque()

    def write(self, served: Served) -> None:
        if not self._unwritten:
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._write_some)
        self._unwritten.append(served)
        if len(self._unwritten) > _MOST_UNWRITTEN:
            self._lines.write(self._unwritten.popleft())

    def write_all(self) -> None:
        while self._unwritten:
            self._lines.write(self._unwritten.popleft())

    def _write_some(self) -> None:
        for _ in range(min(_LINES_AT_A_TIME, len(self._unwritten))):
            self._lines.write(self._unwritten.popleft())
        if self._unwritten:
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._write_some)
