"""Authentication by API key: who the caller is, and whether the key opens the route."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.current_caller import Caller, calling
from api.error_formats import error_response
from api.guard.keys import Key, Keys
from api.guard.no_such_route import no_such_route
from api.guard.public_keys import check_public_key
from api.guard.route_rules import Rule, rule_of
from api.guard.trusted_proxy import TrustedProxy, person_of
from api.request_errors import KeyMissing, KeyUnknown, RequestRefused, ScopeMissing
from rag.rights import Rights

_CALLER = "zhiwen.caller"


class AuthenticationMiddleware:
    """ASGI middleware that refuses a request unless the caller's key opens its route.

    A route that the table lacks does not exist for a caller who is not an administrator: another key would not help.
    Only administrators see paths of this machine.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys, proxy: TrustedProxy | None = None) -> None:
        self._app = app
        self._keys = keys
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._keys.is_open:
            await self._app(scope, receive, send)
            return
        rule = rule_of(scope["method"], scope["path"])
        try:
            headers = Headers(scope=scope)
            caller = _authenticated(self._keys, headers, rule)
            if caller and self._proxy and caller.name == self._proxy.key_name:
                caller = person_of(caller, headers, self._proxy, self._keys)
            scope[_CALLER] = caller
            _check_scope(caller, rule)
            if caller and rule.path:
                check_public_key(caller, rule, headers)
        except RequestRefused as error:
            await error_response(error, rule.error_format)(scope, receive, send)
            return
        if caller and not rule.path and rule.needs not in caller.opens:
            await no_such_route(scope["method"], scope["path"])(scope, receive, send)
            return
        with calling(_known(caller)):
            await self._app(scope, receive, send)


def _known(key: Key | None) -> Caller:
    """Return what the code below the routes needs to know. Without a key, nothing of any document is shown."""
    if key is None:
        return Caller(is_administrator=False, rights=Rights())
    return Caller(key.name, "admin" in key.opens, key.rights)


def caller_of(scope: Scope) -> Key | None:
    """The key that the request was authenticated with; None if the route needs no key.

    Behind a trusted proxy, it stands for the person who signed in.
    """
    caller: Key | None = scope.get(_CALLER)
    return caller


def _authenticated(keys: Keys, headers: Headers, rule: Rule) -> Key | None:
    """The key that a request presents; None if its route needs no key. Raises RequestRefused if it is none of ours."""
    if rule.needs is None:
        return None
    presented = _presented(headers)
    caller = keys.find(presented) if presented else None
    if caller is None and keys.awaits_first:
        raise KeyMissing("this server has no API keys yet; its log says how to make one")
    if not presented:
        raise KeyMissing("API key missing; send it in the header `Authorization: Bearer …`")
    if caller is None:
        raise KeyUnknown("invalid API key; ask the administrator")
    return caller


def _check_scope(caller: Key | None, rule: Rule) -> None:
    """Raise ScopeMissing if the caller's key does not open the route."""
    if caller and rule.path and rule.needs and rule.needs not in caller.opens:
        raise ScopeMissing(f"the API key {caller.name} lacks the scope {rule.needs}", scope=rule.needs)


def _presented(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
