"""Addresses for clients that are somewhere else: what they follow must say on which host it is."""

from starlette.requests import HTTPConnection

from rag.settings import ServeSettings


def base_url(serve: ServeSettings, connection: HTTPConnection) -> str:
    """Where the client reaches this server, without a slash at the end: as configured, else as it has asked."""
    return (serve.public_url or str(connection.base_url)).rstrip("/")


def absolute(url: str, base: str) -> str:
    """A path of this server, such as that of a citation, as an address that holds everywhere."""
    return f"{base}/{url.removeprefix('/')}"
