"""The path of a page in the copy of its site."""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from ingest.readers.formats import has_known_suffix

_MAX_NAME_BYTES = 100
_MAX_PATH_BYTES = 240
_OTHERS = re.compile(r"[^\w.-]+")
_PLAIN = re.compile(r"[\w-][\w.-]*")
_INDEX = "index"
_PAGE = ".page"
"""What tells the name of `/guide` from that of `/guide.html`."""


def page_path(address: str, suffix: str) -> str:
    """Return the path of a page whose document has this suffix. Other addresses have other paths, whatever the case.

    An address that cannot be a path as it stands, because of a query or a capital letter, gets a hash.

    >>> page_path("https://example.com/guide/", ".html"), page_path("https://example.com/guide", ".html")
    ('guide/index.html', 'guide.page.html')
    >>> page_path("https://example.com/guide.html", ".html"), page_path("https://example.com/a?id=1", ".pdf")
    ('guide.html', 'a~2b5c08add8.pdf')
    """
    parts = urlsplit(address)
    names = unquote(parts.path).removeprefix("/").split("/")
    *folders, name = names
    file = _file_name(name, suffix)
    if not parts.query and _address_path([*folders, file]) == parts.path and all(map(_is_folder, folders)):
        path = "/".join([*folders, file])
        if _is_plain(file) and len(path.encode()) <= _MAX_PATH_BYTES:
            return path
    digest = hashlib.sha256(address.encode()).hexdigest()[:10]
    shown = [readable for each in folders if (readable := _readable(each, _MAX_NAME_BYTES // 4))][:4]
    stem = _readable(name.removesuffix(suffix), _MAX_NAME_BYTES // 2) or _INDEX
    return "/".join([*(f"{each}~" if has_known_suffix(each) else each for each in shown), f"{stem}~{digest}{suffix}"])


def _file_name(name: str, suffix: str) -> str:
    if not name:
        return f"{_INDEX}{suffix}"
    return name if name.endswith(suffix) and name != suffix else f"{name}{_PAGE}{suffix}"


def _address_path(path: list[str]) -> str:
    """Return the path of the only address whose page has this path in the copy."""
    *folders, file = path
    suffix = PurePosixPath(file).suffix
    if file == f"{_INDEX}{suffix}":
        file = ""
    elif file.endswith(f"{_PAGE}{suffix}"):
        file = file.removesuffix(f"{_PAGE}{suffix}")
    return quote("/" + "/".join([*folders, file]), safe="/!$&'()*+,;=:@~")


def _is_folder(name: str) -> bool:
    # A file could have the name of such a folder.
    return _is_plain(name) and not has_known_suffix(name)


def _is_plain(name: str) -> bool:
    """Return whether a name is the same on every file system, and no other one is taken for it."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return bool(_PLAIN.fullmatch(name)) and folded == name and len(name.encode()) <= _MAX_NAME_BYTES


def _readable(text: str, max_bytes: int) -> str:
    plain = _OTHERS.sub("-", unicodedata.normalize("NFC", text).casefold()).strip("-.")
    return plain.encode()[:max_bytes].decode(errors="ignore")
