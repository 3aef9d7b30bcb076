"""A page of a site as a document: its content without menus and the like, with links that work in the copy."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import accumulate
from urllib.parse import urljoin

from ingest.readers.cleaned_text import read_html_text
from ingest.sources.page_links import link_in_copy

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_DROPPED = frozenset(("script", "style", "noscript", "template"))
_MOST_PLACES = 10
"""How many elements of a kind can be the content of a page, and how many open ones are watched; others are ignored."""
_ADDRESS = re.compile(r"""(?<=\s)(href|src)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WebPage:
    """`document` is a file of HTML with the title and the content of a page, `links` are the addresses in all of it.

    `asks_for_password` says that one is asked for in the content.
    """

    document: bytes
    links: tuple[str, ...]
    asks_for_password: bool


def read_page(address: str, content: bytes, served_as: str = "") -> WebPage:
    """Return the page with this HTML, in the encoding that its server names. Raises DocumentError.

    Its content is what stands in `<main>` or in an element with that role, or else in the only `<article>`; of a
    `<main>` with one `<article>`, that article if no `<h1>` is outside of it. A page with neither is taken whole.
    """
    text = read_html_text(address, content, served_as=served_as)
    reader = _Reader(text, address)
    reader.feed(text)
    reader.close()
    spans = reader.content()
    title = html.escape(" ".join("".join(reader.title).split()), quote=False)
    body = "\n".join(reader.written(span) for span in spans).strip()
    return WebPage(
        document=f'<!DOCTYPE html>\n<meta charset="utf-8">\n<title>{title}</title>\n<body>\n{body}\n</body>\n'.encode(),
        links=tuple(dict.fromkeys(reader.links)),
        asks_for_password=any(place in span for place in reader.passwords for span in spans),
    )


@dataclass(slots=True)
class _Open:
    """An element that has begun at `start`. `depth` counts elements of its name in it that are open."""

    name: str
    start: int
    close: Callable[[range], object]
    depth: int = 1


class _Reader(HTMLParser):
    """Notes where things stand in the text, as ranges of characters."""

    def __init__(self, text: str, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.links: list[str] = []
        self.passwords: list[int] = []
        self._text = text
        self._address = self._base = address
        self._lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._mains: list[range] = []
        self._articles: list[range] = []
        self._headings: list[int] = []
        self._body = range(len(text))
        self._edits: list[tuple[range, str]] = []
        self._open: list[_Open] = []
        self._in_title = self._has_title = False

    def content(self) -> list[range]:
        """Return where the content stands."""
        mains = _outermost(self._mains)
        places = mains or [self._body]
        articles = [each for each in _outermost(self._articles) if any(each.start in place for place in places)]
        headings = [each for each in self._headings if any(each in place for place in places)]
        if len(articles) == 1 and all(each in articles[0] for each in headings):
            return articles
        return places

    def written(self, span: range) -> str:
        """Return a part of the text, with links that work in the copy, and without scripts and comments."""
        parts, at = [], span.start
        for edit, replacement in self._edits:
            if at <= edit.start and edit.stop <= span.stop:
                parts += [self._text[at : edit.start], replacement]
                at = edit.stop
        return "".join([*parts, self._text[at : span.stop]])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        start, source = self._offset(), self.get_starttag_text() or ""
        for each in self._open:
            each.depth += each.name == tag
        if tag == "base" and attributes.get("href"):
            self._base = urljoin(self._base, attributes["href"])
        elif tag == "title" and not self._has_title:
            self._in_title = self._has_title = True
        elif tag == "body":
            self._body = range(start + len(source), self._body.stop)
        elif tag == "h1":
            self._headings.append(start)
        elif tag == "input":
            self.passwords += [start] if attributes.get("type", "").lower() == "password" else []
            self._edits.append((range(start, start + len(source)), ""))
        elif tag in ("a", "area", "img"):
            self._complete(start, source, attributes)
        if close := self._watched(tag, attributes):
            self._open.append(_Open(tag, start, close))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        start = self._offset()
        end = self._text.find(">", start) + 1 or len(self._text)
        self._in_title = self._in_title and tag != "title"
        if tag == "head" and not self._body.start:
            self._body = range(end, self._body.stop)
        elif tag == "body":
            self._body = range(self._body.start, start)
        for each in self._open:
            each.depth -= each.name == tag
            if not each.depth:
                each.close(range(each.start, end))
        self._open = [each for each in self._open if each.depth]

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)

    def handle_comment(self, data: str) -> None:
        start = self._offset()
        end = self._text.find(">", start + len(data)) + 1 or len(self._text)
        self._edits.append((range(start, end), ""))

    def close(self) -> None:
        super().close()
        for each in self._open:  # to the end, as browsers take it
            each.close(range(each.start, self._body.stop))
        self._open = []
        self._edits.sort(key=lambda each: each[0].start)

    def _watched(self, tag: str, attributes: dict[str, str]) -> Callable[[range], object] | None:
        """Return the function to call with the range of an element when it ends; None if it does not matter."""
        if len(self._open) > _MOST_PLACES:
            return None
        if tag in _DROPPED:
            return lambda place: self._edits.append((place, ""))
        if "hidden" in attributes or tag in _VOID:
            return None
        if (tag == "main" or attributes.get("role", "").lower() == "main") and len(self._mains) < _MOST_PLACES:
            return self._mains.append
        return self._articles.append if tag == "article" and len(self._articles) < _MOST_PLACES else None

    def _complete(self, start: int, source: str, attributes: dict[str, str]) -> None:
        """Note a link, and let it lead to the document of its page; write the address of a picture in full."""
        value = attributes.get("href", attributes.get("src", ""))
        # Another attribute may have a text that looks like this one.
        places = (each.span(3) for each in _ADDRESS.finditer(source) if html.unescape(each[3].strip("\"'")) == value)
        place = next(places, None)
        if place is None or not value.strip() or value.startswith("#"):
            return
        try:
            address = urljoin(self._base, value.strip())
        except ValueError:
            return
        if "href" in attributes:
            self.links.append(address)
            address = link_in_copy(address, self._address)
        self._edits.append((range(start + place[0], start + place[1]), f'"{html.escape(address)}"'))

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _outermost(places: list[range]) -> list[range]:
    """Return the ranges that are in no other one, in their order."""
    found: list[range] = []
    for place in sorted(places, key=lambda each: (each.start, -each.stop)):
        if not found or place.start >= found[-1].stop:
            found.append(place)
    return found
