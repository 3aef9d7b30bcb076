"""The origins of a public key: the sites whose pages may use it. They follow the key in its entry.

    docs:ask:sha256:… origin=https://docs.example.com origin=http://localhost:3000

Everybody can read a key in the script tag of a page. Such a key opens only the widget, and browsers say which page a
request comes from.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from rag.errors import ConfigError

_ORIGINS = re.compile(r"(?:\s+origin=\S*)*$")
_HOST = re.compile(r"[a-z0-9._:-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split_origins(entry: str, where: str) -> tuple[str, frozenset[str]]:
    """Return the entry of a key without its origins, and the origins. Raises ConfigError if one of them is invalid."""
    found = _ORIGINS.search(entry)
    start = found.start() if found else len(entry)
    given = (word.removeprefix("origin=") for word in entry[start:].split())
    return entry[:start], frozenset(_origin(address, where) for address in given)


def with_origins(entry: str, origins: Iterable[str], where: str) -> str:
    """Return the entry of a key with its origins behind it. Raises ConfigError if one of them is invalid."""
    return " ".join((entry, *(f"origin={_origin(address, where)}" for address in origins)))


def _origin(address: str, where: str) -> str:
    """Return the origin of a site as browsers send it. Raises ConfigError if the address is more or less than that."""
    try:
        parts = urlsplit(address)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # a port that is not a number, or a host that cannot exist
        parts, port, host = urlsplit(""), None, ""
    has_more = "@" in parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host) or has_more:
        raise ConfigError(f"{where}: an origin must be like https://docs.example.com, got {address!r}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
