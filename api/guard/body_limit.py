"""Bounds on what a request may be."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_formats import Problem
from api.guard.access import rule_of

_CODES = {408: "request_timeout", 413: "body_too_large"}


class BodyLimitMiddleware:
    """ASGI middleware that ends a request whose body grows beyond `max_bytes` with status 413.

    One whose body has not come after `seconds` is ended with status 408. Both are errors in the one JSON shape.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, is_whole = 0, False
        deadline = asyncio.get_running_loop().time() + self._seconds

        async def bounded() -> Message:
            nonlocal received, is_whole
            if is_whole:
                return await receive()  # what comes now is the client's leaving
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                close = {"Connection": "close"}
                raise HTTPException(408, f"the request body took over {self._seconds:g} seconds", close) from error
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > self._max_bytes:
                raise HTTPException(413, f"the request body is larger than {self._max_bytes} bytes")
            return message

        try:
            await self._app(scope, bounded, send)
        except HTTPException as error:
            # Where a route reads the body this is answered there; here it was a middleware.
            problem = Problem(error.status_code, _CODES[error.status_code], str(error.detail))
            dialect = rule_of(scope["method"], scope["path"]).dialect
            await dialect.answer(problem, error.headers)(scope, receive, send)
