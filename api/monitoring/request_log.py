"""One line in the log for each request, and its place in the metrics. Both are silent about what was asked."""

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.disconnects import CLIENT_GONE
from api.guard.access import Rule, rule_of
from api.guard.authentication import caller_of
from api.monitoring.metrics import Metrics
from rag.state.traces import Trace

log = logging.getLogger("zhiwen.requests")

_OTHER_ROUTE = "other"
_OTHER_METHOD = "OTHER"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class _Seen:
    """What becomes known of a request while it is served."""

    status: int = 0
    trace: Trace | None = None


_current: ContextVar[_Seen | None] = ContextVar("current request", default=None)


def note_answer(trace: Trace) -> None:
    """Have the line of the request that is being served say which answer it got."""
    if seen := _current.get():
        seen.trace = trace


@dataclass(frozen=True, slots=True)
class Served:
    """A request as it went; `key` is the name of its API key."""

    method: str
    rule: Rule
    status: int
    seconds: float
    key: str | None = None
    trace: Trace | None = None


class RequestLines:
    """The log and the metrics of requests. Only with `log_text` are questions and answers in the log."""

    def __init__(self, metrics: Metrics, *, log_text: bool) -> None:
        self._metrics = metrics
        self._log_text = log_text

    def write(self, served: Served) -> None:
        method = served.method if served.method in _METHODS else _OTHER_METHOD
        route = served.rule.path or _OTHER_ROUTE
        self._metrics.count_request(method, route, served.status, served.seconds)
        facts: dict[str, object] = {
            "method": method,
            "route": route,
            "status": served.status,
            "ms": round(served.seconds * 1000, 1),
        }
        if served.key:
            facts["key"] = served.key
        if trace := served.trace:
            facts["trace_id"] = trace.trace_id
            if self._log_text:
                facts |= {"question": trace.question, "answer": trace.answer.text}
        log.info("request", extra=facts)


class RequestLogMiddleware:
    """ASGI middleware that writes a line for each request when it is over."""

    def __init__(self, app: ASGIApp, *, lines: RequestLines) -> None:
        self._app = app
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        seen = _Seen()
        token = _current.set(seen)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            seen.status = seen.status or 500
            raise
        finally:
            _current.reset(token)
            self._lines.write(_served(scope, seen, time.perf_counter() - started))


def _served(scope: Scope, seen: _Seen, seconds: float) -> Served:
    rule = rule_of(scope["method"], scope["path"])
    caller = caller_of(scope)
    status = seen.status or CLIENT_GONE
    return Served(scope["method"], rule, status, seconds, key=caller.name if caller else None, trace=seen.trace)
