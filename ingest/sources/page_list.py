"""The pages of a site: from a sitemap and the sitemaps that it names, from a list, or from the links of a page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.sources.page_kind import is_page
from ingest.sources.sitemap import Entry, Sitemap, read_link_list, read_sitemap
from ingest.sources.web_answer import GZIP, WebAnswer, read_at_most
from ingest.sources.web_client import WebClient
from ingest.sources.web_page import WebPage
from rag.web_address import on_site, page_address

MAX_SITEMAP_BYTES = 50 * 1024 * 1024
"""As the protocol has it."""

_MAX_SITEMAPS = 500
_MAX_DEPTH = 3
_MAX_NAMED = 1000

Get = Callable[[str], WebAnswer]
"""Gets up to `MAX_SITEMAP_BYTES` from an address. Raises SourceError."""
ReadPage = Callable[[WebAnswer], WebPage]


@dataclass(slots=True)
class PageList:
    """`pages` are the addresses to fetch, each with the last change that the sitemap gives, or "".

    `passed_over` has the reasons why others are left out. `wants` says whether the page at an address can be one.
    """

    client: WebClient
    get: Get
    read_page: ReadPage
    wants: Callable[[str], bool]
    max_pages: int
    pages: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def read(self, url: str) -> None:
        """Fill the list from what is at an address. Raises SourceError if that is no list, or names no pages."""
        answer = self._got(url)
        if is_page(answer.media_type):
            self._read_links(answer)
        else:
            self._read_sitemap(answer, depth=1)
        if not self.pages:
            raise self.client.error("it names no page that may be read", "correct web_url, include or exclude")

    def _got(self, address: str) -> WebAnswer:
        self._seen.add(address)
        answer = self.get(address)
        problem = answer.passed_over or (f"it answers with the status {answer.status}" if answer.status != 200 else "")
        if problem:
            raise self.client.error(f"{address}: {problem}", "correct web_url, or tell the owner of the site")
        return answer

    def _read_links(self, answer: WebAnswer) -> None:
        page = self.read_page(answer)
        if page.asks_for_password:
            raise self.client.error(f"{answer.address} asks for a password", self.client.set_token)
        # To the last slash: what is beside or above it is another part of the site.
        folder = answer.address.partition("?")[0].rpartition("/")[0] + "/"
        self._add(Entry(answer.address), answer.address)
        for link in page.links:
            address = on_site(page_address(link, answer.address), self.client.site)
            if address.startswith(folder):
                self._add(Entry(address), answer.address)

    def _read_sitemap(self, answer: WebAnswer, *, depth: int) -> None:
        sitemap = self._parsed(answer)
        if not sitemap.is_index:
            for entry in sitemap.entries:
                self._add(entry, answer.address)
            return
        if depth > _MAX_DEPTH:
            raise self.client.error(f"{answer.address}: its sitemaps are nested too deeply", "correct web_url")
        for address in self._on_site(sitemap.entries, answer.address):
            if address not in self._seen:
                if len(self._seen) >= _MAX_SITEMAPS:
                    raise self.client.error(f"it has more than {_MAX_SITEMAPS} sitemaps", "name one of them in web_url")
                self._read_sitemap(self._got(address), depth=depth + 1)

    def _parsed(self, answer: WebAnswer) -> Sitemap:
        try:
            content = _unpacked(answer.content)
            if answer.media_type == "text/plain" and not content.lstrip().startswith(b"<"):
                return read_link_list(content.decode("utf-8-sig"))
            return read_sitemap(content)
        except ValueError as error:
            raise self.client.error(
                f"{answer.address} is no sitemap: {error}", "name a sitemap, or a page with links, in web_url"
            ) from error

    def _on_site(self, entries: tuple[Entry, ...], base: str) -> Iterator[str]:
        for entry in entries:
            there = page_address(entry.address, base)
            if address := on_site(there, self.client.site):
                yield address
            elif len(self.passed_over) < _MAX_NAMED:
                self.passed_over[there or entry.address] = f"it is not on {self.client.site}"

    def _add(self, entry: Entry, base: str) -> None:
        for address in self._on_site((entry,), base):
            if self.wants(address):
                self.pages[address] = entry.changed
        if len(self.pages) > self.max_pages:
            raise self.client.error(
                f"it has more than web_max_pages ({self.max_pages}) pages", "raise that, or leave some out with exclude"
            )


def _unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file, or any other file as it is. Raises ValueError if it is too large."""
    if content.startswith(GZIP):
        content = read_at_most([content], MAX_SITEMAP_BYTES + 1, encoding="gzip")
    if len(content) > MAX_SITEMAP_BYTES:
        raise ValueError(f"it is larger than {MAX_SITEMAP_BYTES} bytes")
    return content
