"""The path of a request: without doubled slashes, and without the path below which a proxy serves us.

A proxy may serve us below a path, such as `https://example.com/kb/`. It may pass the path on or remove it, so both are
accepted. The guards see the path of the route. The routes see what ASGI calls the root path, too.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.guard.route_rules import methods_of
from api.public_urls import PREFIX

_SLASHES = re.compile("/{2,}")
# No `//`, which would lead to another host, no dot segments, and no character that has a meaning in HTML or CSS.
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]{1,64}){0,8}")


class RequestPathMiddleware:
    """The outermost ASGI middleware: makes the path of each request that of a route.

    The prefix is that of the header `X-Forwarded-Prefix` or, if there is none, the path of `public_url`.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._prefix = _valid(urlsplit(public_url).path) or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            forwarded = Headers(scope=scope).get("x-forwarded-prefix")
            prefix = _valid("".join(part.strip().rstrip("/") for part in (forwarded or "").split(",")))
            prefix = self._prefix if forwarded is None or prefix is None else prefix
            path = _SLASHES.sub("/", scope["path"])
            scope = {**scope, "path": _without(path, prefix), PREFIX: prefix}
        await self._app(scope, receive, send)


class RoutePathMiddleware:
    """The innermost ASGI middleware: gives routes the prefix as root path, and treats HEAD as GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            prefix = scope.get(PREFIX, "")
            method = "GET" if scope["method"] == "HEAD" else scope["method"]  # the server leaves out the body
            scope = {**scope, "method": method, "path": prefix + scope["path"], "root_path": prefix}
        await self._app(scope, receive, send)


def _valid(prefix: str) -> str | None:
    """Return the prefix without a final slash, or None if it is not a plain path."""
    prefix = prefix.rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else None


def _without(path: str, prefix: str) -> str:
    rest = path.removeprefix(prefix) or "/"
    is_below = rest != path and rest.startswith("/")
    return rest if is_below and methods_of(rest) else path
