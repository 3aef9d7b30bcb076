"""Links between pages of a site, as links between the documents of its copy."""

import posixpath
from urllib.parse import quote, urldefrag

from ingest.sources.page_kind import likely_suffix, suffix_of
from ingest.sources.page_paths import page_path
from rag.web_address import on_site, page_address, site_of


def link_in_copy(address: str, page: str) -> str:
    """Return the link from the document of `page` to that of `address`, another page of its site.

    An address on another site, or of a picture or an archive, is returned as it is.

    >>> link_in_copy("https://example.com/b/c?d#e", "https://example.com/b/a")
    'c~e5c7694ea6.html#e'
    >>> link_in_copy("https://other.example.com/", "https://example.com/a")
    'https://other.example.com/'
    """
    there = on_site(page_address(address), site_of(page))
    suffix = likely_suffix(there) if there else ""
    if not suffix:
        return address
    folder = posixpath.dirname(page_path(page, suffix_of("text/html", page)))
    path = quote(posixpath.relpath(page_path(there, suffix), folder or "."))
    fragment = urldefrag(address).fragment
    return f"{path}#{fragment}" if fragment else path
