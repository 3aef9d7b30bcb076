"""The grammar of addresses in a text: where one begins and ends, and which spellings mean the same page.

Everything that finds, compares or shows an address uses this grammar, so that no program that shows an answer sees a
longer address than the one that was checked.
"""

import re

_LABELS = r"(?:[A-Za-z0-9_-]+\.)+"
_HOST = rf"{_LABELS}[A-Za-z]{{2,24}}"
_REST = r"[A-Za-z0-9\-._~%!$&'*+,;=:@/?#()]*"
# Programs that make links of bare hosts know all of two letters, and some longer ones.
_TOP_LEVEL = (
    "[a-z]{2}|com|net|org|edu|gov|mil|int|biz|info|name|pro|web|aero|asia|coop|museum|xxx|shop|top|xyz|site|online|app"
    "|dev|page|link|click|live|club|icu|vip|work|world|zone|cloud|tech|store|space|website|fun|test|example"
)
_AUTHORITY = r"(?:\[[0-9A-Fa-f:.]*\])?"
AFTER_SCHEME = re.compile(rf"//(?=[A-Za-z0-9[]){_AUTHORITY}{_REST}")
"""What follows `https:` in an address."""
URL_PATTERN = re.compile(
    rf"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]*\\?:(?:\\?/){{2}}{_AUTHORITY}{_REST}"
    rf"|(?<![A-Za-z0-9._/-])[Ww]{{3}}\.{_REST}"
    rf"|(?<![A-Za-z0-9._/-]){_HOST}(?::\d+)?(?:/|\?\w+=){_REST}"
    rf"|(?<![A-Za-z0-9:/\\])(?://|\\\\)[A-Za-z0-9]{_REST}"
    rf"|(?<![A-Za-z0-9._+-])(?:(?i:mailto|xmpp)\\?:{_REST}|[A-Za-z0-9._+-]++@{_HOST}{_REST})"
    rf"|(?<=[!#$%&'*/=?^{{|}}~])@{_HOST}{_REST}"
)
"""A bare address: with a scheme, with `www.`, with a host and a path, with two slashes, or of a mailbox.

Of a mailbox with other signs in its name, such as `a|b@example.com`, only what follows them is matched.

Colon and slashes may be escaped with backslashes: Markdown renderers remove them before they look for addresses.
"""
HOST_PATTERN = re.compile(
    rf"(?<![A-Za-z0-9_@/-])(?<![A-Za-z0-9_-]\.){_LABELS}(?:{_TOP_LEVEL})(?![A-Za-z0-9-]|\.[A-Za-z0-9]){_REST}",
    re.IGNORECASE,
)
"""What some programs take for the name of a host, such as `milvus.io`, though it may be a file such as `README.md`."""
_DESTINATION = re.compile(
    r"\]\(\s*<?([^\s()<>]+)|^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)|\b(?:src|href)\s*=\s*[\"']?([^\s\"'>]+)", re.MULTILINE
)
_OF_ADDRESSES = re.compile(r"[.:/\\@=]|\]\(")
"""One of these is in every address, or before it."""
_WHOLE = re.compile(r"[^ \t\r\n<>]*")
_TRAILING_PUNCTUATION = frozenset(".,;:!?'*_~)")
_EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]+:|//[a-z0-9]", re.IGNORECASE)
_WEB_OR_MAIL = re.compile(r"\A(?:(?:https?:)?//|mailto:)", re.IGNORECASE)
_SHARED_FOLDER = re.compile(r"file://|\\\\|[A-Za-z]:\\", re.IGNORECASE)
_ACTIVE = re.compile(r"\s*(?:javascript|vbscript|data|file|blob)\s*:", re.IGNORECASE)


def find_urls(text: str) -> frozenset[str]:
    """Return every address in a text, in canonical form: bare ones and those of links, images, definitions and HTML."""
    found = [without_punctuation(match[0]) for match in URL_PATTERN.finditer(text)]
    return frozenset(filter(None, map(canonical_url, [*found, *_destinations(text)])))


def find_spellings(text: str) -> dict[str, str]:
    """Return how a text writes each of its addresses and hosts, by that spelling and by the canonical form.

    An address that other characters follow without a space is there twice, the second time with these.
    """
    if not _OF_ADDRESSES.search(text):
        return {}
    found = _destinations(text)
    for pattern in (URL_PATTERN, HOST_PATTERN):
        for match in pattern.finditer(text):
            found += [without_punctuation(match[0]), whole_word(text, match.start())]
    spellings = {address: address for address in found}
    for address in found:
        spellings.setdefault(canonical_url(address), address)
    spellings.pop("", None)
    return spellings


def whole_word(text: str, start: int) -> str:
    """Return what stands at `start` up to the next blank or angle bracket: there, every program ends an address."""
    match = _WHOLE.match(text, start)
    return match[0] if match else ""


def without_punctuation(address: str) -> str:
    """Return a bare address without the punctuation behind it; a bracket that it opens belongs to it.

    >>> without_punctuation("https://milvus.io/a_(b))."), without_punctuation("https://milvus.io/docs**:")
    ('https://milvus.io/a_(b)', 'https://milvus.io/docs')
    """
    surplus = address.count(")") - address.count("(")
    end = len(address)
    while end and address[end - 1] in _TRAILING_PUNCTUATION:
        if address[end - 1] == ")":
            if surplus <= 0:
                break
            surplus -= 1
        end -= 1
    return address[:end]


def canonical_url(address: str) -> str:
    """Return an address without its scheme, `www.`, upper case in the host and a slash at the end.

    >>> canonical_url("https://www.Milvus.io/docs/")
    'milvus.io/docs'
    """
    host, slash, path = _WEB_OR_MAIL.sub("", address.strip()).partition("/")
    return (host.casefold().removeprefix("www.") + slash + path).rstrip("/")


def is_external_url(address: str) -> bool:
    """Return whether an address leads out of the knowledge base, to a page, a mailbox or a telephone.

    >>> is_external_url("tel:0571-6000"), is_external_url("guide.md#setup"), is_external_url("data:image/png;base64,AA")
    (True, False, False)
    """
    return bool(_EXTERNAL.match(address)) and not is_active_url(address)


def is_shared_path(address: str) -> bool:
    """Return whether an address is a path of a file that a reader can type: no link leads there from a page."""
    return bool(_SHARED_FOLDER.match(address))


def is_active_url(address: str) -> bool:
    """Return whether following the address runs code or opens a local file instead of opening a page."""
    return bool(_ACTIVE.match(address))


def _destinations(text: str) -> list[str]:
    return [group for match in _DESTINATION.finditer(text) for group in match.groups() if group]
