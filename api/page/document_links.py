"""Where the links and pictures of a document lead: to documents and pictures of the folder, or to other sites."""

import posixpath
from pathlib import PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urlsplit

from api.page.document_names import DocumentNames
from api.page.safe_html import is_safe_scheme
from ingest.chunking.slugs import slug
from ingest.markup.tree import Element
from rag.document_url import document_url, picture_url

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")


class DocumentLinks:
    """Resolves the links of the document `source`. `id_prefix` begins the ids of its page, `base` our own addresses."""

    def __init__(self, source: str, names: DocumentNames, *, id_prefix: str = "", base: str = "") -> None:
        self._base = base
        self._source = source
        self._folder = str(PurePosixPath("/", source).parent)
        self._names = names
        self._id_prefix = id_prefix

    def address(self, link: Element) -> str | None:
        """Return where a link leads, or None if that is neither a page, a heading nor a document that there is."""
        address = link.attributes.get("href", "").strip()
        if link.attributes.get("class") == "wikilink" and not _is_absolute(address):
            return self._wikilink(address)
        url = _split(address)
        if url is None:
            return None
        if url.scheme:
            return address if is_safe_scheme(address) else None
        if not url.path:
            return self._heading(unquote(url.fragment))
        path = unquote(url.path)
        found = self._names.at(posixpath.normpath(posixpath.join(self._folder, path)).lstrip("/"))
        if not found and path.startswith("/"):  # the root of a site may be a folder of the knowledge folder
            found = self._names.named(posixpath.normpath(path).lstrip("/"))
        return self._document(found) + _fragment(unquote(url.fragment)) if found else None

    def picture(self, image: Element) -> str | None:
        """Return the address of a picture of the folder, whether or not it is there; None for any other picture."""
        url = _split(image.attributes.get("src", "").strip())
        if url is None or url.scheme or not url.path.lower().endswith(PICTURE_SUFFIXES):
            return None
        written = posixpath.normpath(unquote(url.path))
        whole = posixpath.normpath(posixpath.join(self._folder, written)).lstrip("/")
        name = posixpath.normpath(posixpath.join("/", written)).lstrip("/")  # without leading `..`
        folder = whole.removesuffix(name).strip("/") if whole.endswith(name) else ""
        shown_by = self._source if self._names.are_partial else ""
        return self._base + picture_url(name, folder, self._names.knowledge_base, shown_by=shown_by)

    def _wikilink(self, target: str) -> str | None:
        path, _, heading = target.partition("#")
        heading = heading.rpartition("#")[2]
        heading = "" if heading.startswith("^") else slug(heading)
        if not path:
            return self._heading(heading)
        found = self._names.named(posixpath.normpath(path.strip()))
        return self._document(found) + _fragment(heading) if found else None

    def _document(self, source: str) -> str:
        return self._base + document_url(source, knowledge_base=self._names.knowledge_base)

    def _heading(self, anchor: str) -> str | None:
        return _fragment(anchor, self._id_prefix) or None


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address; None if it has none, or leads to another host without a scheme."""
    try:
        url = urlsplit(address)
    except ValueError:
        return None
    return None if "\\" in address or (url.netloc and not url.scheme) else url


def _is_absolute(address: str) -> bool:
    return "://" in address


def _fragment(anchor: str, prefix: str = "") -> str:
    """Return the fragment that leads to a heading; some tools write its text instead of its anchor."""
    anchor = slug(anchor) if " " in anchor else anchor
    return f"#{prefix}{quote(anchor)}" if anchor else ""
