"""What public keys open: the routes of the widget, for pages of the sites that a key names."""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.guard.keys import Key, Keys
from api.guard.route_rules import Rule, rule_of
from api.request_errors import ForeignOrigin, ScopeMissing

_MAX_AGE_SECONDS = 600


def check_public_key(key: Key, rule: Rule, headers: Headers) -> None:
    """Raise ScopeMissing if a public key does not open the route, ForeignOrigin if it is not for the calling page."""
    if not key.origins:
        return
    if not rule.is_public:
        raise ScopeMissing(f"the API key {key.name} is public, so it opens nothing but the widget", scope="ask")
    if (origin := headers.get("origin", "")) not in key.origins:
        sender = f"pages of {origin}" if origin else "requests that name no origin"
        raise ForeignOrigin(f"the API key {key.name} is not for {sender}; its entry lists the origins that it is for")


class PublicOriginsMiddleware:
    """ASGI middleware that lets pages of the public keys' sites call the public routes, and no others (CORS).

    `check_public_key` checks later that a request has the key of its site.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_preflight = scope["method"] == "OPTIONS"
        method = headers.get("access-control-request-method", "") if is_preflight else scope["method"]
        if not origin or not rule_of(method, scope["path"]).is_public or origin not in self._keys.origins:
            await self._app(scope, receive, send)
            return
        allowed = _allowed(origin, method)
        if is_preflight:
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowed)
            await send(message)

        await self._app(scope, receive, with_headers)


def _allowed(origin: str, method: str) -> Mapping[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": method,
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Expose-Headers": "Retry-After",
        "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
        "Vary": "Origin",
    }
