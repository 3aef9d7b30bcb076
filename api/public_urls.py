"""Absolute addresses, for links that clients open outside of our page."""

from starlette.requests import HTTPConnection

from rag.settings import ServeSettings


def base_url(serve: ServeSettings, connection: HTTPConnection) -> str:
    """Return the address of this server without a final slash: `serve.public_url`, or the one the client used."""
    return (serve.public_url or str(connection.base_url)).rstrip("/")


def absolute(url: str, base: str) -> str:
    """Return the absolute address of a path of this server, such as that of a citation; a web address stays."""
    return url if is_absolute(url) else f"{base}/{url.removeprefix('/')}"


def is_absolute(url: str) -> bool:
    """Return whether a citation leads to a published page instead of to this server."""
    return url.startswith(("https://", "http://"))
