"""Checks of the headers `Host` and `Origin`, against DNS rebinding and requests from pages of other sites.

Any page on the web can make the browser call a service on the reader's own machine. It cannot make the browser send a
host or an origin other than its own, or leave out that the request comes from another site (`Sec-Fetch-Site`).
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_formats import error_response
from api.guard.key_file import is_loopback
from api.guard.route_rules import rule_of
from api.request_errors import ForeignOrigin, RequestRefused, UntrustedHost
from rag.serve_settings import ServeSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY = "*"
_READING = ("GET", "HEAD", "OPTIONS")
_PROBES = "/health/"
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]*))(?::\d*)?")


class Hosts:
    """The host names of the service, and the sites whose pages may call it.

    `checks_origin` is for a service without API keys: if keys are needed, pages of other sites are refused for lack of
    one.
    """

    def __init__(self, settings: ServeSettings, *, checks_origin: bool) -> None:
        self._names = trusted_hosts(settings)
        self._origins = settings.cors_origins
        self._checks_origin = checks_origin

    def check(self, method: str, headers: Headers) -> None:
        """Raise UntrustedHost if the request is for another host, ForeignOrigin if a page of another site sent it.

        Pages of other sites may not read either, not even whether a document exists. They may link to this service.
        """
        host = headers.get("host", "")
        named = _without_port(host)
        if named is None or not any(_matches(name, named) for name in self._names):
            raise UntrustedHost(f"unknown host name {host!r}; add it to serve.trusted_hosts if it is this service's")
        origin = headers.get("origin")
        is_writing = origin is not None and method not in _READING
        if not self._checks_origin or not (is_writing or _is_from_page_of_other_site(headers)):
            return
        if origin is None or not self._may_call(origin, host):
            sender = origin or "a page of another site"
            raise ForeignOrigin(f"{sender} may not send this request; add it to serve.cors_origins to allow it")

    def _may_call(self, origin: str, host: str) -> bool:
        return (
            _is_desktop_client(origin) or urlsplit(origin).netloc == host or bool({origin, _ANY} & set(self._origins))
        )


class TrustedHostsMiddleware:
    """ASGI middleware that refuses requests for other hosts, and those of pages of other sites.

    Health probes are not checked: they call the address of a container, not a host name.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_PROBES):
            try:
                self._hosts.check(scope["method"], Headers(scope=scope))
            except RequestRefused as error:
                error_format = rule_of(scope["method"], scope["path"]).error_format
                await error_response(error, error_format)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def trusted_hosts(settings: ServeSettings) -> Sequence[str]:
    """The host names of the service. `*` is any name, `*.example.com` any below that domain.

    If none are configured, a service on loopback has the names of loopback, any other service any name.
    """
    # A reverse proxy passes on the host of the public address.
    public = _without_port(urlsplit(settings.public_url).netloc) or ""
    if settings.trusted_hosts:
        return tuple(host.lower() for host in (*settings.trusted_hosts, public) if host)
    return (*_LOOPBACK, settings.host, *([public] if public else [])) if is_loopback(settings.host) else (_ANY,)


def _is_from_page_of_other_site(headers: Headers) -> bool:
    """Whether a page of another site loads this (script, image, frame, prefetch), other than by a link."""
    if headers.get("sec-fetch-site") != "cross-site":
        return False  # also programs and very old browsers, which say nothing
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
    return not is_link or "sec-purpose" in headers or "purpose" in headers


def _is_desktop_client(origin: str) -> bool:
    """Whether a desktop client sent it, as in `app://` or `tauri://`: no page on the web has such an origin."""
    scheme, separator, _ = origin.partition("://")
    return bool(separator) and scheme.lower() not in ("http", "https")


def _matches(trusted: str, host: str) -> bool:
    if trusted.startswith("*."):
        return host.endswith(trusted[1:])
    return trusted in (_ANY, host)


def _without_port(host: str) -> str | None:
    """The name or address in a header `Host`; None if it is malformed."""
    parts = _HOST.fullmatch(host)
    return (parts["address"] or parts["name"] or "").lower() if parts else None
