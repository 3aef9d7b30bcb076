"""Where the links of a document lead: to headings and to documents of the knowledge base."""

import posixpath
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from api.page.safe_html import is_safe_scheme
from ingest.markup.tree import Element
from ingest.readers.formats import has_known_suffix
from rag.document_url import document_url


class DocumentLinks:
    """Resolves the links of the document `source`. `id_prefix` begins the ids of its page."""

    def __init__(self, source: str, *, id_prefix: str = "") -> None:
        self._folder = str(PurePosixPath(source).parent)
        self._id_prefix = id_prefix

    def address(self, link: Element) -> str | None:
        """Return the address of a link, or None if it leads nowhere from here."""
        address = link.attributes.get("href", "").strip()
        try:
            url = urlsplit(address)
        except ValueError:
            return None
        if url.scheme:
            return address if is_safe_scheme(address) else None
        if url.netloc or "\\" in address:
            return None
        if not url.path:
            return f"#{self._id_prefix}{quote(unquote(url.fragment))}" if url.fragment else None
        path = posixpath.normpath(posixpath.join("/", self._folder, unquote(url.path))).lstrip("/")
        if not has_known_suffix(path):
            return None
        fragment = f"#{quote(unquote(url.fragment))}" if url.fragment else ""
        return document_url(path) + fragment
