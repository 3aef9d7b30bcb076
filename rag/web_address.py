"""Addresses of pages on one site: written in one way, and never those of another host or port."""

import re
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/!$&'()*+,;=:@~"
_QUERY_SAFE = _PATH_SAFE + "?"
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_MAX_CHARACTERS = 2000
_BLANKS = re.compile(r"[\t\n\r]")


def page_address(url: str, base: str = "") -> str:
    """Return an address of the web as it is written here, without a fragment; "" if it is none.

    `base` is what a relative address stands in. The host is in lower case, a usual port is left out, and what need not
    be escaped is not.

    >>> page_address("HTTPS://Docs.Example.com:443/a%7Eb#c"), page_address("../d?e=%66", "https://example.com/a/b/c")
    ('https://docs.example.com/a~b', 'https://example.com/a/d?e=f')
    >>> page_address("mailto:a@example.com"), page_address("https://me@example.com/")
    ('', '')
    """
    try:
        # As browsers: line ends in an address do not count.
        parts = urlsplit(urljoin(base, _BLANKS.sub("", url.strip())))
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return ""
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    query = f"?{_requoted(parts.query, _QUERY_SAFE)}" if parts.query else ""
    address = f"{parts.scheme}://{place}{_requoted(parts.path, _PATH_SAFE) or '/'}{query}"
    return address if len(address) <= _MAX_CHARACTERS else ""


def site_of(address: str) -> str:
    """Return scheme, host and port of an address.

    >>> site_of("https://example.com:8443/a/b?c")
    'https://example.com:8443'
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def on_site(address: str, site: str) -> str:
    """Return the address if it is one of this site, else "".

    On a site with https://, an http:// address counts as the https:// one.

    >>> on_site("http://example.com/a", "https://example.com"), on_site("https://example.com:8443/", "https://example.com")
    ('https://example.com/a', '')
    """
    secure = f"https://{address.removeprefix('http://')}" if address.startswith("http://") else address
    return next((each for each in (address, secure) if each and site_of(each) == site), "")


def _requoted(text: str, safe: str) -> str:
    """Return a part of an address with what must be escaped as `%XX`, and nothing else."""
    kept = _PERCENT.sub(lambda found: _meant(found[1]), text)
    return quote(kept, safe=safe + "%", encoding="utf-8", errors="replace")


def _meant(digits: str) -> str:
    char = unquote_to_bytes(f"%{digits}").decode("latin-1")
    is_plain = char.isascii() and (char.isalnum() or char in "-._~")
    return char if is_plain else f"%{digits.upper()}"
