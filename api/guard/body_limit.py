"""Limits on a request's body: its size, and how long it may take to arrive."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_formats import Problem
from api.guard.route_rules import rule_of

_CODES = {408: "request_timeout", 413: "body_too_large"}


class BodyLimitMiddleware:
    """ASGI middleware that refuses a body of more than `max_bytes` with status 413.

    If a body is not complete after `timeout_seconds`, the request gets status 408 and the connection is closed.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, is_complete = 0, False
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds

        async def bounded() -> Message:
            nonlocal received, is_complete
            if is_complete:
                return await receive()  # after the body, the next message is that the client has disconnected
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                close = {"Connection": "close"}
                raise HTTPException(
                    408, f"the request body took over {self._timeout_seconds:g} seconds", close
                ) from error
            received += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            if received > self._max_bytes:
                raise HTTPException(413, f"the request body is larger than {self._max_bytes} bytes")
            return message

        try:
            await self._app(scope, bounded, send)
        except HTTPException as error:
            # If a route reads the body, its exception handler responds. Here a middleware has read it.
            problem = Problem(error.status_code, _CODES[error.status_code], str(error.detail))
            error_format = rule_of(scope["method"], scope["path"]).error_format
            await error_format.response(problem, error.headers)(scope, receive, send)
