"""The limit on how long a client may take to read what is sent to it."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("zhiwen.api")


class ReaderTimeoutMiddleware:
    """ASGI middleware that ends a response when the client has read nothing for `timeout_seconds`.

    The work behind the response ends with it, such as a call to the chat model.

    `send` waits only while the server's write buffer is full, so this does not see the end of a response that fits into
    the buffer. `TCP_USER_TIMEOUT`, which the server sets on its socket, covers that where the platform has it.
    """

    def __init__(self, app: ASGIApp, *, timeout_seconds: float) -> None:
        self._app = app
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        timed_out = False

        async def bounded(message: Message) -> None:
            nonlocal timed_out
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    await send(message)
            except TimeoutError as error:
                timed_out = True
                raise _ClientDoesNotRead from error

        try:
            await self._app(scope, receive, bounded if scope["type"] == "http" else send)
        except Exception:
            # Task groups wrap the exception into a group, so its type says little here.
            if not timed_out:
                raise
            log.info("%s %s: the client stopped reading", scope["method"], scope["path"])


class _ClientDoesNotRead(Exception):
    """Ends the application. The server closes the connection, since the response is incomplete."""
