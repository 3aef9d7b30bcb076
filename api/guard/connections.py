"""Bounds on connections, which cost something before there is a request: half-open ones, slow readers, too many.

uvicorn closes a connection that is idle between two requests. It leaves alone one that never finishes its first, and
one whose client does not read. Its own bound on connections refuses the newest, so who opens many shuts everybody out.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import Response
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.guard.rush import Rush

_SWEEP_TICKS = 10  # of uvicorn's tenths of a second
_HEADER_BYTES = 64 * 1024
_PIPELINED_REQUESTS = 16
_RESERVED_FILES = 256
"""For the store, the chat model, documents and the libraries."""

TurnAway = Callable[[str, str, Headers], Response | None]
"""From the method, path and headers of a request, the answer to one that is not to be served, None to the others."""
Drop = Literal["half_open", "slow_reader", "too_many"]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """A request's headers may take `header_seconds`; a client may stay `reader_seconds` behind what is sent to it."""

    at_once: int
    header_seconds: float
    reader_seconds: float


class Connections(ServerState):
    """All connections, and those of them that wait for a request, the one that waits longest first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        super().__init__()
        self.limits = limits
        self.rush = Rush()
        self.turn_away: TurnAway = lambda _method, _path, _headers: None
        self.waiting: dict[BoundedProtocol, None] = {}
        self.dropped: Counter[Drop] = Counter()

    def make_room(self) -> None:
        """Drop the connection that waits longest where there are too many. One with a request under way is kept."""
        if len(self.connections) > self.limits.at_once and self.waiting:
            self.drop(next(iter(self.waiting)), "too_many")

    def sweep(self, now: float) -> None:
        for connection in list(self.connections):
            if isinstance(connection, BoundedProtocol) and (reason := connection.overdue(now, self.limits)):
                self.drop(connection, reason)

    def drop(self, connection: "BoundedProtocol", reason: Drop) -> None:
        self.dropped[reason] += 1
        self.waiting.pop(connection, None)
        # Closing would wait for what is still to be sent.
        connection.transport.abort()


class BoundedProtocol(HttpToolsProtocol):
    """A connection that knows since when it has waited for a request, and since when its client has been behind."""

    server_state: Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._behind_since: float | None = None
        self._is_in_message = self._is_in_header = False
        self._begun, self._header_bytes = 0, 0
        self._wait_for_a_request()
        self.server_state.rush.note_arrival()
        self.server_state.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # If it begins with a header that it does not end, all of it is that header.
        begins = 0 if self._is_in_header else 1 if not self._is_in_message else None
        self._begun = 0
        super().data_received(data)
        self._note_request()
        if self._is_in_header and self._begun == begins:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self.send_400_response(f"The header is larger than {_HEADER_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_message = self._is_in_header = True
        self._begun, self._header_bytes = self._begun + 1, 0

    def on_headers_complete(self) -> None:
        self._is_in_header = False
        if len(self.pipeline) >= _PIPELINED_REQUESTS:
            self.server_state.drop(self, "too_many")
            raise _TooManyPipelined  # ends the parsing
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._wait_for_a_request()
        # Begins the next request if that has arrived already.
        super().on_response_complete()
        self._note_request()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        answer = None if self.flow.write_paused else self._refusal(cycle)  # a task waits for a client that is behind
        if answer:
            self._answer(cycle, answer)
        else:
            super()._start_asgi_task(cycle, app)

    def _refusal(self, cycle: RequestResponseCycle) -> Response | None:
        scope = cycle.scope
        return self.server_state.turn_away(scope["method"], scope["path"], Headers(raw=list(scope["headers"])))

    def _answer(self, cycle: RequestResponseCycle, answer: Response) -> None:
        """Send what uvicorn would. The rest of the request is read, and forgotten."""
        head = [_head(answer), *(b"%b: %b\r\n" % header for header in self.server_state.default_headers)]
        if not cycle.keep_alive:
            head.append(b"connection: close\r\n")
        self.transport.write(b"%b\r\n%b" % (b"".join(head), bytes(answer.body)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def overdue(self, now: float, limits: ConnectionLimits) -> Drop | None:
        """Why this connection has had its time, if it has."""
        if self.transport.get_write_buffer_size():
            if self._behind_since is None:
                self._behind_since = now
            return "slow_reader" if now - self._behind_since > limits.reader_seconds else None
        self._behind_since = None
        is_waiting = self in self.server_state.waiting
        return "half_open" if is_waiting and now - self._waiting_since > limits.header_seconds else None

    def _wait_for_a_request(self) -> None:
        self._waiting_since = self.loop.time()
        self.server_state.waiting[self] = None

    def _note_request(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.server_state.waiting.pop(self, None)


@lru_cache(maxsize=8)
def _head(answer: Response) -> bytes:
    """Its status and headers. Answers that are sent to many are the same object each time."""
    status = HTTPStatus(answer.status_code)
    lines = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() + lines


class _TooManyPipelined(Exception):
    """A client has sent more requests ahead of their answers than any does that waits for some."""


class BoundedServer(uvicorn.Server):
    """uvicorn, with bounds on connections, and an end that lets requests finish before it closes the door."""

    def __init__(
        self, config: Config, connections: Connections, *, before_closing: Callable[[], Awaitable[None]]
    ) -> None:
        """`before_closing` runs when a signal has come, while connections are still accepted."""
        super().__init__(config)
        self.connections = connections
        self.server_state = connections
        self._before_closing = before_closing

    async def on_tick(self, counter: int) -> bool:
        if counter % _SWEEP_TICKS == 0:
            self.connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        await self._before_closing()
        await super().shutdown(sockets)


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit on open files as far as `wanted` connections need; returns how many it can hold.

    Shells and service managers often set 1,024, which a few hundred clients and their store fill.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - _RESERVED_FILES))
