"""Which kind of document a page is, by what its server says and by its address."""

import mimetypes
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ingest.readers.formats import has_known_suffix

_HTML = (".html", ".htm")
_MARKDOWN = (".md", ".markdown", ".mdx")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_SUFFIXES = {
    "text/html": _HTML,
    "application/xhtml+xml": _HTML,
    "text/markdown": _MARKDOWN,
    "text/x-markdown": _MARKDOWN,
    "text/plain": (".txt", *_MARKDOWN),
    "application/pdf": (".pdf",),
    f"{_OFFICE}.wordprocessingml.document": (".docx",),
    f"{_OFFICE}.spreadsheetml.sheet": (".xlsx",),
    f"{_OFFICE}.presentationml.presentation": (".pptx",),
}
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")
_FILES = frozenset(
    ".7z .atom .bz2 .css .dmg .exe .gz .iso .jar .js .json .rar .rss .tar .tgz .whl .xml .xz .zip".split()
)
_NO_PAGES = ("audio", "font", "image", "video")


def suffix_of(media_type: str, address: str) -> str:
    """Return the suffix of the document; "" if it is of no kind that can be read.

    >>> suffix_of("text/html", "https://example.com/a.php"), suffix_of("text/plain", "https://example.com/a.md")
    ('.html', '.md')
    """
    own = _own_suffix(address)
    if media_type in _UNTOLD:
        return own if has_known_suffix(f"a{own}") else ""
    suffixes = _SUFFIXES.get(media_type, ("",))
    return own if own in suffixes else suffixes[0]


def is_page(media_type: str) -> bool:
    """Return whether a server says that something is HTML."""
    return _SUFFIXES.get(media_type) == _HTML


def is_html(suffix: str) -> bool:
    """Return whether a document with this suffix is HTML."""
    return suffix in _HTML


def likely_suffix(address: str) -> str:
    """Return the suffix that the document of an address probably has; "" if it is a picture, an archive or the like."""
    own = _own_suffix(address)
    kind = (mimetypes.guess_type(f"a{own}")[0] or "").partition("/")[0]
    if own in _FILES or kind in _NO_PAGES:
        return ""
    return own if has_known_suffix(f"a{own}") else _HTML[0]


def _own_suffix(address: str) -> str:
    return PurePosixPath(unquote(urlsplit(address).path)).suffix.lower()
