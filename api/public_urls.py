"""Addresses as clients reach them: absolute, or paths below the prefix of a proxy."""

from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import HTTPConnection

from rag.serve_settings import ServeSettings

Model = TypeVar("Model", bound=BaseModel)

PREFIX = "zhiwen.prefix"
"""The key of the ASGI scope for the path below which a proxy serves us, such as `/kb`; "" if there is none."""


def prefix_of(connection: HTTPConnection) -> str:
    """Return the path below which the client reaches this server, without a final slash; "" for the root."""
    return str(connection.scope.get(PREFIX, ""))


def below(model: Model, prefix: str) -> Model:
    """Return a copy in which every `url` that is a path of this server begins with the prefix."""
    if not prefix:
        return model
    changes: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name == "url" and isinstance(value, str) and value.startswith("/"):
            changes[name] = prefix + value
        elif isinstance(value, BaseModel):
            changes[name] = below(value, prefix)
        elif isinstance(value, list):
            changes[name] = [below(item, prefix) if isinstance(item, BaseModel) else item for item in value]
    return model.model_copy(update=changes)


def base_url(serve: ServeSettings, connection: HTTPConnection) -> str:
    """Return the address of this server without a final slash: `serve.public_url`, or the one the client used."""
    return (serve.public_url or str(connection.base_url)).rstrip("/")


def absolute(url: str, base: str) -> str:
    """Return the absolute address of a path of this server, such as that of a citation; a web address stays."""
    return url if is_absolute(url) else f"{base}/{url.removeprefix('/')}"


def is_absolute(url: str) -> bool:
    """Return whether a citation leads to a published page instead of to this server."""
    return url.startswith(("https://", "http://"))
