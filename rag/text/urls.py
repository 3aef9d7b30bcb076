"""The web addresses in a text, in a form in which two spellings of one address compare equal."""

import re

_HOST = r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"
_REST = r"[A-Za-z0-9\-._~%!$&'*+,;=:@/?#()]*"
URL_PATTERN = re.compile(
    rf"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]*\\?:(?:\\?/){{2}}(?:\[[0-9A-Fa-f:.]*\])?{_REST}"
    rf"|(?<![A-Za-z0-9._/-])[Ww]{{3}}\.{_REST}"
    rf"|(?<![A-Za-z0-9._/-]){_HOST}(?::\d+)?(?:/|\?\w+=){_REST}"
    rf"|(?<![A-Za-z0-9:/\\])(?://|\\\\)[A-Za-z0-9]{_REST}"
)
"""An address that stands by itself: with a scheme, with `www.`, with a host and a path, or with two slashes.

Colon and slashes may be escaped, which those who show Markdown take back before they look for addresses.
"""
_DESTINATION = re.compile(
    r"\]\(\s*<?([^\s()<>]+)|^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)|\b(?:src|href)\s*=\s*[\"']?([^\s\"'>]+)", re.MULTILINE
)
TRAILING_PUNCTUATION = ".,;:!?'*_~)"
"""Punctuation that follows an address rather than belonging to it."""
_WEB = re.compile(r"\A(?:https?:)?//", re.IGNORECASE)
_ACTIVE = re.compile(r"\s*(?:javascript|vbscript|data|file|blob)\s*:", re.IGNORECASE)


def find_urls(text: str) -> frozenset[str]:
    """All addresses of a text, bare or in links, images, definitions and HTML, in canonical form."""
    found = [match[0] for match in URL_PATTERN.finditer(text)]
    found += [group for match in _DESTINATION.finditer(text) for group in match.groups() if group]
    return frozenset(filter(None, map(canonical_url, found)))


def canonical_url(address: str) -> str:
    """Without what does not tell two pages apart: http or https, `www.`, the case of the host, a slash at the end."""
    bare = _WEB.sub("", address.strip().rstrip(TRAILING_PUNCTUATION))
    host, slash, path = bare.partition("/")
    return (host.casefold().removeprefix("www.") + slash + path).rstrip("/")


def is_active_url(address: str) -> bool:
    """Whether following it does something else than to open a page."""
    return bool(_ACTIVE.match(address))
