"""Whether a request is meant for this service: by the host that it names, and the page that sent it.

A page anywhere on the web can have a browser call a service on the reader's own machine. It cannot have the browser
name another host or origin than its own.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_formats import error_response
from api.guard.access import rule_of
from api.guard.key_file import is_loopback
from rag.errors import ForeignOrigin, RequestRefused, UntrustedHost
from rag.settings import ServeSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY = "*"
_READING = ("GET", "HEAD", "OPTIONS")
_PROBES = "/health/"


class Hosts:
    """The names of the service, and the sites whose pages may use it.

    Where API keys are needed, pages of other sites have none, so `checks_origin` is for where they are not.
    """

    def __init__(self, settings: ServeSettings, *, checks_origin: bool) -> None:
        self._names = trusted_hosts(settings)
        self._origins = settings.cors_origins
        self._checks_origin = checks_origin

    def check(self, method: str, headers: Headers) -> None:
        """Raises RequestRefused if the request is for another host, or a page of another site may not send it."""
        host = headers.get("host", "")
        named = _without_port(host)
        if not any(_is_meant(name, named) for name in self._names):
            raise UntrustedHost(f"{host!r} is none of the names of this service; add it to serve.trusted_hosts")
        origin = headers.get("origin")
        if not self._checks_origin or origin is None or method in _READING:
            return
        if _is_application(origin):
            return
        if urlsplit(origin).netloc != host and not {origin, _ANY} & set(self._origins):
            raise ForeignOrigin(f"{origin} may not send this; add it to serve.cors_origins if it should")


class TrustedHostsMiddleware:
    """ASGI middleware that refuses other hosts, and pages of other sites that would change something.

    Probes name whatever address they have found.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_PROBES):
            try:
                self._hosts.check(scope["method"], Headers(scope=scope))
            except RequestRefused as error:
                dialect = rule_of(scope["method"], scope["path"]).dialect
                await error_response(error, dialect)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def trusted_hosts(settings: ServeSettings) -> Sequence[str]:
    """The names that the service goes by: those configured, else on loopback the names of that, and any elsewhere.

    A proxy in front names the host of the public address.
    """
    public = _without_port(urlsplit(settings.public_url).netloc)
    if settings.trusted_hosts:
        return tuple(host.lower() for host in (*settings.trusted_hosts, public) if host)
    return (*_LOOPBACK, settings.host, *([public] if public else [])) if is_loopback(settings.host) else (_ANY,)


def _is_application(origin: str) -> bool:
    """Whether it is a desktop client, as in `app://` or `tauri://`: no page on the web can have such an origin."""
    scheme, separator, _ = origin.partition("://")
    return bool(separator) and scheme.lower() not in ("http", "https")


def _is_meant(trusted: str, host: str) -> bool:
    if trusted.startswith("*."):
        return host.endswith(trusted[1:])
    return trusted in (_ANY, host)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
