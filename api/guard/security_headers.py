"""What every answer tells browsers not to do with it. No HSTS: whether there is TLS is known to the proxy alone."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Answers are for whoever asked.
    "Cache-Control": "no-store",
}
# FastAPI's page starts Swagger UI from a script in the page, and that draws with styles and images of its own.
_API_PAGE = "/api-docs"
_API_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


def add_security_headers(headers: MutableHeaders) -> None:
    """A header that the answer has already is left as it is: pages know better what they need."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)


class SecurityHeadersMiddleware:
    """ASGI middleware that adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"] == _API_PAGE:
                    headers.setdefault("Content-Security-Policy", _API_PAGE_POLICY)
                add_security_headers(headers)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
