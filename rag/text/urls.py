"""Web addresses in a text, in a canonical form, so that two spellings of one address are equal."""

import re

_HOST = r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"
_REST = r"[A-Za-z0-9\-._~%!$&'*+,;=:@/?#()]*"
URL_PATTERN = re.compile(
    rf"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]*\\?:(?:\\?/){{2}}(?:\[[0-9A-Fa-f:.]*\])?{_REST}"
    rf"|(?<![A-Za-z0-9._/-])[Ww]{{3}}\.{_REST}"
    rf"|(?<![A-Za-z0-9._/-]){_HOST}(?::\d+)?(?:/|\?\w+=){_REST}"
    rf"|(?<![A-Za-z0-9:/\\])(?://|\\\\)[A-Za-z0-9]{_REST}"
)
"""A bare address: with a scheme, with `www.`, with a host and a path, or with two slashes.

Colon and slashes may be escaped with backslashes: Markdown renderers remove them before they look for addresses.
"""
_DESTINATION = re.compile(
    r"\]\(\s*<?([^\s()<>]+)|^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)|\b(?:src|href)\s*=\s*[\"']?([^\s\"'>]+)", re.MULTILINE
)
TRAILING_PUNCTUATION = ".,;:!?'*_~)"
"""Punctuation that follows an address and is not part of it."""
_EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]+:|//[a-z0-9]", re.IGNORECASE)
_WEB = re.compile(r"\A(?:https?:)?//", re.IGNORECASE)
_ACTIVE = re.compile(r"\s*(?:javascript|vbscript|data|file|blob)\s*:", re.IGNORECASE)


def find_urls(text: str) -> frozenset[str]:
    """Return every address in a text, in canonical form: bare ones and those of links, images, definitions and HTML."""
    found = [match[0] for match in URL_PATTERN.finditer(text)]
    found += [group for match in _DESTINATION.finditer(text) for group in match.groups() if group]
    return frozenset(filter(None, map(canonical_url, found)))


def canonical_url(address: str) -> str:
    """Return an address without its scheme, `www.`, upper case in the host and a slash at the end.

    >>> canonical_url("https://www.Milvus.io/docs/")
    'milvus.io/docs'
    """
    bare = _WEB.sub("", address.strip().rstrip(TRAILING_PUNCTUATION))
    host, slash, path = bare.partition("/")
    return (host.casefold().removeprefix("www.") + slash + path).rstrip("/")


def is_external_url(address: str) -> bool:
    """Return whether an address leads out of the knowledge base, to a page, a mailbox or a telephone.

    >>> is_external_url("tel:0571-6000"), is_external_url("guide.md#setup"), is_external_url("data:image/png;base64,AA")
    (True, False, False)
    """
    return bool(_EXTERNAL.match(address)) and not is_active_url(address)


def is_active_url(address: str) -> bool:
    """Return whether following the address runs code or opens a local file instead of opening a page."""
    return bool(_ACTIVE.match(address))
