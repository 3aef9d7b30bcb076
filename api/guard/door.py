"""Questions for which there is no room, turned away before they cost anything.

When a thousand arrive in one instant, each waits for whatever is done for those before it. So these are told no ahead
of all that others go through, which would have told them the same: no task is begun for them.
"""

import asyncio
from collections import deque

from starlette.datastructures import Headers
from starlette.responses import Response

from api.error_formats import error_response
from api.guard.access import rule_of
from api.guard.authentication import caller_among
from api.guard.concurrency_limit import ConcurrencyLimit
from api.guard.draining import Drain
from api.guard.hosts import Hosts
from api.guard.keys import Keys
from api.guard.security_headers import add_security_headers
from api.monitoring.request_log import RequestLines, Served
from rag.errors import RequestRefused

_PAUSE_SECONDS = 0.1
_MOST_PAUSES = 10
_LINES_AT_A_TIME = 250
_MOST_UNWRITTEN = 10_000


class Door:
    """What each request passes when its header is there. Whom it does not turn away, it leaves to the application."""

    def __init__(
        self, *, places: ConcurrencyLimit, drain: Drain, hosts: Hosts, keys: Keys, lines: RequestLines
    ) -> None:
        self._places = places
        self._drain = drain
        self._hosts = hosts
        self._keys = keys
        self._lines = LaterLines(lines)
        self._answers: dict[str, Response] = {}

    def turn_away(self, method: str, path: str, headers: Headers) -> Response | None:
        """The answer to a request for which there is no place, None to all others."""
        if not self._places.are_full or not (refused := self._refused(method, path, headers)):
            return None
        self._lines.write(refused)
        error = self._places.refuse()
        dialect = refused.rule.dialect
        if dialect.name not in self._answers:  # which are the same each time
            answer = self._answers[dialect.name] = error_response(error, dialect)
            add_security_headers(answer.headers)
        return self._answers[dialect.name]

    def close(self) -> None:
        """Write what is still to be written."""
        self._lines.write_all()

    def _refused(self, method: str, path: str, headers: Headers) -> Served | None:
        """What to say of the request, if nothing but the want of a place stands between it and its answer.

        The rest is for the others, who say what is wrong with it. So is what comes from a page, whose browser wants
        headers of its own in the answer.
        """
        rule = rule_of(method, path)
        if not rule.answers or self._drain.is_stopping or "origin" in headers:
            return None
        try:
            self._hosts.check(method, headers)
            caller = caller_among(self._keys, headers, rule)
        except RequestRefused:
            return None
        return Served(method, rule, status=429, seconds=0.0, key=caller.name if caller else None)


class LaterLines:
    """Lines of the log that are written when the rush is over, or has lasted: a line takes longer than a refusal."""

    def __init__(self, lines: RequestLines) -> None:
        self._lines = lines
        self._unwritten: deque[Served] = deque()
        self._come_since = False
        self._pauses = 0

    def write(self, served: Served) -> None:
        if not self._unwritten:
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._write_some)
        self._come_since = True
        self._unwritten.append(served)
        if len(self._unwritten) > _MOST_UNWRITTEN:
            self._lines.write(self._unwritten.popleft())

    def write_all(self) -> None:
        while self._unwritten:
            self._lines.write(self._unwritten.popleft())

    def _write_some(self) -> None:
        if self._come_since and self._pauses < _MOST_PAUSES:
            self._pauses += 1
        else:
            for _ in range(min(_LINES_AT_A_TIME, len(self._unwritten))):
                self._lines.write(self._unwritten.popleft())
        self._come_since = False
        if self._unwritten:
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._write_some)
        else:
            self._pauses = 0
