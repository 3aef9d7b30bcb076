"""A web site on loopback, whose answers a test changes."""

import gzip
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.kit.threaded_server import http_served


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. One without `headers` gets an ETag, and a request that names this ETag gets 304."""

    content: bytes = b""
    kind: str = "text/markdown"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """Replies by path and query; others are 404. `asked` has the path and the status of each answer."""

    replies: dict[str, Reply] = field(default_factory=dict)
    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def page(self, path: str, text: str, kind: str = "text/markdown", **headers: str) -> None:
        """Answer with a page."""
        self.replies[path] = Reply(text.encode(), kind, headers=headers)

    def status(self, path: str, status: int, **headers: str) -> None:
        """Answer with a status, such as a redirect."""
        self.replies[path] = Reply(status=status, headers=headers)

    def sitemap(self, *addresses: str, at: str = "/sitemap.xml", changed: str = "", packed: bool = False) -> None:
        """Answer with a sitemap of these pages, or, for names of sitemaps, with an index of them."""
        outer, inner = ("sitemapindex", "sitemap") if ".xml" in "".join(addresses) else ("urlset", "url")
        said = f"<lastmod>{changed}</lastmod>" if changed else ""
        entries = "".join(f"<{inner}><loc>{self.absolute(each)}</loc>{said}</{inner}>" for each in addresses)
        text = f'<{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{outer}>'.encode()
        self.replies[at] = Reply(gzip.compress(text) if packed else text, "application/xml")

    def absolute(self, address: str) -> str:
        """Return the address of a path on the site."""
        return self.url + address if address.startswith("/") else address

    def statuses(self) -> dict[str, int]:
        """Return the last status of each path but that of robots.txt, and forget what was asked."""
        statuses = {path: status for path, status in self.asked if path != "/robots.txt"}
        self.asked.clear()
        return statuses


@contextmanager
def site_server() -> Iterator[Site]:
    """Serve a site without pages."""
    site = Site()
    with http_served(_Handler, site=site) as site.url:
        try:
            yield site
        finally:
            site.may_answer.set()


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.headers.append(dict(self.headers.items()))
        self.site.may_answer.wait(60)
        reply = self.site.replies.get(self.path, Reply(status=404))
        headers = dict(reply.headers)
        status, content = reply.status, reply.content
        if status == 200 and not headers:
            headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                status, content = 304, b""
        self.site.asked.append((self.path, status))
        self.send_response(status)
        for name, value in {"Content-Type": reply.kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        pass
