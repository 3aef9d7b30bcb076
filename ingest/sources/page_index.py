"""What is known of the pages in the copy of a site: where they are, and what their server said of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ingest.sources.private_json import replace_file

_MAKER = 1


@dataclass(frozen=True, slots=True)
class CopiedPage:
    """A page, and the SHA-256 of its document. `changed` is what the sitemap said of it when it was read, at `read_at`.

    `etag` and `last_modified` are what the server said; all are "" if nothing was said.
    """

    address: str
    digest: str
    etag: str = ""
    last_modified: str = ""
    changed: str = ""
    read_at: str = ""


@dataclass(frozen=True, slots=True)
class PageIndex:
    """The pages by their paths in the copy, and why others are not there, by address.

    `maker` changes with the way in which zhiwen makes documents of pages.
    """

    pages: Mapping[str, CopiedPage] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)
    maker: int = _MAKER


_INDEX = TypeAdapter(PageIndex)


def read_page_index(copy: Path) -> PageIndex:
    """Return the index of a copy; an empty one if there is none, if it cannot be read, or for another maker."""
    try:
        found = _INDEX.validate_json(_file_of(copy).read_bytes())
    except (OSError, ValidationError):
        return PageIndex()
    return found if found.maker == _MAKER else PageIndex()


def write_page_index(copy: Path, index: PageIndex) -> None:
    """Replace the index of a copy, as a whole. Raises OSError."""
    replace_file(_file_of(copy), _INDEX.dump_json(index))


def intact_pages(copy: Path) -> dict[str, CopiedPage]:
    """Return the pages whose documents are in the copy as they were written, by path."""
    pages = read_page_index(copy).pages
    return {path: page for path, page in pages.items() if _digest_in(copy / path) == page.digest}


def page_digest(content: bytes) -> str:
    """Return the SHA-256 of a document in hex."""
    return hashlib.sha256(content).hexdigest()


def _digest_in(file: Path) -> str:
    try:
        return page_digest(file.read_bytes())
    except OSError:
        return ""


def _file_of(copy: Path) -> Path:
    return copy.with_suffix(".index.json")
