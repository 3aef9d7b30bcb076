"""Who asks, by the key of the request, and whether that key opens what it asks for."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_formats import error_response
from api.guard.access import Rule, rule_of
from api.guard.keys import Key, Keys
from rag.errors import KeyMissing, KeyUnknown, RequestRefused, ScopeMissing

_CALLER = "zhiwen.caller"


class AuthenticationMiddleware:
    """ASGI middleware that lets through what the table of routes allows the caller."""

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._keys.is_open:
            rule = rule_of(scope["method"], scope["path"])
            try:
                scope[_CALLER] = caller_among(self._keys, Headers(scope=scope), rule)
            except RequestRefused as error:
                await error_response(error, rule.dialect)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def caller_of(scope: Scope) -> Key | None:
    """Whose key the request has; None where none is needed."""
    caller: Key | None = scope.get(_CALLER)
    return caller


def caller_among(keys: Keys, headers: Headers, rule: Rule) -> Key | None:
    """Whose key a request shows; None where none is needed. Raises RequestRefused if it opens too little."""
    if rule.needs is None or keys.is_open:
        return None
    presented = _presented(headers)
    if not presented:
        raise KeyMissing("an API key is needed: send the header `Authorization: Bearer …`")
    caller = keys.find(presented)
    if caller is None:
        raise KeyUnknown("the API key is none of this service's; ask whoever runs it for one")
    if rule.needs not in caller.opens:
        raise ScopeMissing(f"the API key {caller.name} lacks the scope {rule.needs}", scope=rule.needs)
    return caller


def _presented(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
