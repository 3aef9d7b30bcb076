"""One log line and one count in the metrics for each request. Neither has any text of the request."""

import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.cancel_on_disconnect import CLIENT_GONE
from api.guard.authentication import caller_of
from api.guard.route_rules import rule_of
from api.monitoring.metrics import Metrics
from api.service.audit import ACTIONS, AuditLog, Subject, noting_subject
from rag.state.traces import Trace

log = logging.getLogger("zhiwen.requests")

_OTHER_ROUTE = "other"
_OTHER_METHOD = "OTHER"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class _Outcome:
    """What becomes known of a request while it is served."""

    status: int = 0
    trace: Trace | None = None
    caller: str = ""


_current: ContextVar[_Outcome | None] = ContextVar("outcome of the current request", default=None)


def note_answer(trace: Trace) -> None:
    """Put the answer's trace id into the log line of the current request; does nothing outside a request."""
    if outcome := _current.get():
        outcome.trace = trace


def note_caller(name: str) -> None:
    """Log this name in place of a key's: the current request is signed and has no API key."""
    if outcome := _current.get():
        outcome.caller = name


class RequestLogMiddleware:
    """ASGI middleware that logs and counts each request when it has ended.

    Only with `log_text` does the line have the question and the answer. Actions are noted in the `audit` log.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, log_text: bool, audit: AuditLog) -> None:
        self._app = app
        self._metrics = metrics
        self._log_text = log_text
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        outcome = _Outcome()
        token = _current.set(outcome)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                outcome.status = message["status"]
            await send(message)

        with noting_subject() as subject:
            try:
                await self._app(scope, receive, noting)
            except Exception:
                outcome.status = outcome.status or 500
                raise
            finally:
                _current.reset(token)
                self._write(scope, outcome, subject, time.perf_counter() - started)

    def _write(self, scope: Scope, outcome: _Outcome, subject: Subject, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
        route = rule_of(scope["method"], scope["path"]).path or _OTHER_ROUTE
        status = outcome.status or CLIENT_GONE
        self._metrics.count_request(method, route, status, seconds)
        facts: dict[str, object] = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        caller = caller_of(scope)
        if name := caller.name if caller else outcome.caller:
            facts["key"] = name
        if trace := outcome.trace:
            facts["trace_id"] = trace.trace_id
            if self._log_text:
                facts |= {"question": trace.question, "answer": trace.answer.text}
        log.info("request", extra=facts)
        if action := ACTIONS.get(f"{method} {route}"):
            where = f"{method} {route}"
            self._audit.note(action, where, key=name, status=status, trace=outcome.trace, subject=subject)
