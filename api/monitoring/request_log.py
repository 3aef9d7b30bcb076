"""One line in the log for each request, and its place in the metrics. Both are silent about what was asked."""

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.disconnects import CLIENT_GONE
from api.guard.access import rule_of
from api.guard.authentication import caller_of
from api.monitoring.metrics import Metrics
from rag.traces import Trace

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


class RequestLog:
    """ASGI middleware. Only with `log_text` are questions and answers in the log."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, log_text: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log_text = log_text

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
            self._tell(scope, seen, time.perf_counter() - started)

    def _tell(self, scope: Scope, seen: _Seen, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
        route = rule_of(scope["method"], scope["path"]).path or _OTHER_ROUTE
        status = seen.status or CLIENT_GONE
        self._metrics.count_request(method, route, status, seconds)
        facts: dict[str, object] = {
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        if caller := caller_of(scope):
            facts["key"] = caller.name
        if seen.trace:
            facts["trace_id"] = seen.trace.trace_id
            if self._log_text:
                facts |= {"question": seen.trace.question, "answer": seen.trace.answer.text}
        log.info("request", extra=facts)
