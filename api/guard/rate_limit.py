"""How often an API key may be used."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_formats import error_response
from api.guard.access import rule_of
from api.guard.authentication import caller_of
from api.guard.keys import OWNER
from rag.errors import TooManyRequests


class TokenBuckets:
    """A bucket of requests for each key: full it holds what a minute allows, and it fills up evenly.

    What is kept of a key is the moment at which its bucket is full again (the generic cell rate algorithm): one number
    for each configured key.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60 / per_minute
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, key: str) -> float:
        """0 if a request of this key is allowed now, else in how many seconds it will be."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at + self._interval - now - 60
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + self._interval
        return 0.0


class RateLimitMiddleware:
    """ASGI middleware. The command line of the server's own user is not counted: it polls while it ingests."""

    def __init__(self, app: ASGIApp, *, per_minute: int) -> None:
        self._app = app
        self._rates = TokenBuckets(per_minute)
        self._per_minute = per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        if caller and caller.name != OWNER and (wait := self._rates.take(caller.name)):
            error = TooManyRequests(
                f"the API key {caller.name} has made its {self._per_minute} requests of this minute",
                retry_after_seconds=wait,
            )
            await error_response(error, rule_of(scope["method"], scope["path"]).dialect)(scope, receive, send)
            return
        await self._app(scope, receive, send)
