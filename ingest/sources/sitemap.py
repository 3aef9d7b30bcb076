"""Sitemaps, https://www.sitemaps.org/protocol.html: the pages of a site, or further sitemaps."""

from dataclasses import dataclass, field
from xml.parsers import expat

_ROOTS = {"urlset": False, "sitemapindex": True}
_FIELD_DEPTH = 3
"""Where `loc` and `lastmod` stand; deeper ones are of pictures and videos."""
_MAX_ENTRIES = 50_000
"""As the protocol has it."""
_MAX_DEPTH = 20
_MAX_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """The address of a page, or of a sitemap, as it is written there, and when it last changed, "" if unknown."""

    address: str
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The entries of a file; those of an index are sitemaps."""

    is_index: bool
    entries: tuple[Entry, ...]


def read_sitemap(content: bytes) -> Sitemap:
    """Return the sitemap in a file of XML. Raises ValueError, which says what is wrong with it.

    A document type, which could define entities that stand for gigabytes or for files of this machine, is refused.

    >>> read_sitemap(b"<urlset><url><loc> https://example.com/a </loc></url></urlset>").entries
    (Entry(address='https://example.com/a', changed=''),)
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content.lstrip(), True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML: {error}") from error
    return Sitemap(reader.is_index, tuple(reader.entries))


def read_link_list(text: str) -> Sitemap:
    """Return the sitemap in a file of text: an address on each line."""
    return Sitemap(False, tuple(Entry(line.strip()) for line in text.splitlines() if line.strip()))


@dataclass(slots=True)
class _Reader:
    is_index: bool = False
    entries: list[Entry] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    _fields: dict[str, str] = field(default_factory=dict)

    def refuse(self, *_: object) -> None:
        raise ValueError("it has a document type, which a sitemap must not have")

    def start(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if len(self._path) == _MAX_DEPTH or len(self.entries) > _MAX_ENTRIES:
            raise ValueError(f"it has more than {_MAX_ENTRIES} entries, or {_MAX_DEPTH} levels")
        if not self._path and local not in _ROOTS:
            raise ValueError(f"it begins with <{local}>, not with <urlset> or <sitemapindex>")
        self.is_index = self.is_index or (not self._path and _ROOTS[local])
        self._path.append(local)

    def end(self, _: str) -> None:
        self._path.pop()
        if len(self._path) == 1:
            if address := self._fields.get("loc", "").strip():
                self.entries.append(Entry(address, self._fields.get("lastmod", "").strip()))
            self._fields.clear()

    def text(self, text: str) -> None:
        if len(self._path) == _FIELD_DEPTH:
            name = self._path[-1]
            self._fields[name] = (self._fields.get(name, "") + text)[:_MAX_CHARACTERS]
