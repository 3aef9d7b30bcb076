"""The rate limit of each API key: public keys, which everybody can read in a page, have a lower one."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_formats import error_response
from api.guard.authentication import caller_of
from api.guard.keys import OWNER
from api.guard.route_rules import rule_of
from api.request_errors import TooManyRequests

_MANY = 10_000


class TokenBuckets:
    """One token bucket for each key. A full bucket holds the requests of one minute; it refills evenly.

    For each key it keeps one number, the time at which the bucket is full again (the generic cell rate algorithm).
    Only configured keys and people behind a trusted proxy get a bucket. Of many, those that are full again are dropped.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._interval = 60 / per_minute
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, key: str) -> float:
        """Take a token and return 0; if the bucket is empty, return the seconds until it has one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at + self._interval - now - 60
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + self._interval
        if len(self._full_at) > _MANY:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        return 0.0


class RateLimitMiddleware:
    """ASGI middleware that allows each API key `per_minute` requests a minute, each public key `public_per_minute`.

    0 is no limit. The server's own command line has no limit: it polls while it ingests.
    """

    def __init__(self, app: ASGIApp, *, per_minute: int, public_per_minute: int) -> None:
        self._app = app
        self._buckets = TokenBuckets(per_minute) if per_minute else None
        self._public_buckets = TokenBuckets(public_per_minute) if public_per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        buckets = self._public_buckets if caller and caller.origins else self._buckets
        if caller and buckets and caller.name != OWNER and (wait := buckets.take(caller.name)):
            error = TooManyRequests(
                f"the API key {caller.name} has used up its {buckets.per_minute} requests per minute",
                retry_after_seconds=wait,
            )
            await error_response(error, rule_of(scope["method"], scope["path"]).error_format)(scope, receive, send)
            return
        await self._app(scope, receive, send)
