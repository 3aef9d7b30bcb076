"""One look at all pages of a site: which have changed, which are gone, and which are passed over."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from ingest.document_process import DocumentProcess
from ingest.sources.copied_files import digest_of
from ingest.sources.page_index import CopiedPage, PageIndex, page_digest
from ingest.sources.page_kind import is_html, likely_suffix, suffix_of
from ingest.sources.page_list import MAX_SITEMAP_BYTES, PageList
from ingest.sources.page_paths import page_path
from ingest.sources.parallel import in_thread, in_threads
from ingest.sources.protocol import OnWait
from ingest.sources.web_answer import WebAnswer
from ingest.sources.web_client import WebClient
from ingest.sources.web_page import WebPage
from rag.errors import DocumentError
from rag.settings import KnowledgeSettings

_REQUESTS = 4
_MAX_TOTAL_BYTES = 2 * 1024**3
_GONE = (404, 410)
_DATE_CHARACTERS = len("2026-01-31")
_NOT_A_PAGE = "it asks for a password instead of showing the page"


@dataclass(slots=True)
class SiteLook:
    """`pages` are the documents found so far, by path; `passed_over` has the reasons against other addresses.

    `known` are the pages of the copy. `write` is called with the path and the bytes of each document that was read.
    """

    settings: KnowledgeSettings
    client: WebClient
    reader: DocumentProcess[WebPage]
    known: Mapping[str, CopiedPage]
    wants: Callable[[str], bool]
    write: Callable[[str, bytes], object]
    pages: dict[str, CopiedPage] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    is_complete: bool = False
    _bytes: int = 0
    _forms: list[bool] = field(default_factory=list)
    """For each page that was read, whether it asks for a password."""

    def list_pages(self, on_wait: OnWait) -> dict[str, str]:
        """Return the addresses of the pages, each with the last change that the list gives. Raises SourceError."""
        get = partial(in_thread, self._get_list, on_wait=on_wait)
        listed = PageList(self.client, get, self._read_list, self._may_want, self.settings.web_max_pages)
        listed.read(self.settings.web_url)
        self.passed_over.update(listed.passed_over)
        return listed.pages

    def run(self, on_wait: OnWait) -> None:
        """Look at all pages. Raises SourceError if one cannot be fetched, or if there are none, or only login pages."""
        on_wait = self._limited(on_wait)
        listed = self.list_pages(on_wait)
        paths = {page.address: path for path, page in self.known.items()}
        to_ask = []
        for address, changed in listed.items():
            path = paths.get(address, "")
            if path and self.wants(path) and _is_settled(self.known[path], changed):
                self.pages[path] = self.known[path]
            else:
                to_ask.append(address)
        with closing(in_threads(self._get, to_ask, threads=_REQUESTS, on_wait=on_wait)) as answers:
            for address, answer in answers:
                self._take(address, answer, listed[address], paths)
        if not self.pages:
            raise self.client.error("none of its pages can be read", f"look at one, such as {next(iter(listed))}")
        if len(self._forms) > 1 and all(self._forms):
            raise self.client.error(_NOT_A_PAGE, self.client.set_token)
        self.is_complete = True

    @property
    def index(self) -> PageIndex:
        """What is known now of the pages in the copy."""
        return PageIndex(self.pages if self.is_complete else {**self.known, **self.pages}, self.passed_over)

    @property
    def version(self) -> str:
        """A digest of all documents."""
        return digest_of({path: page.digest for path, page in self.pages.items()})

    def _get_list(self, address: str) -> WebAnswer:
        return self.client.get(address, max_bytes=MAX_SITEMAP_BYTES + 1, is_conditional=False)

    def _get(self, address: str) -> WebAnswer:
        return self.client.get(address, max_bytes=self.settings.max_file_bytes + 1)

    def _read_list(self, answer: WebAnswer) -> WebPage:
        try:
            return self.reader.call(answer.address, answer.content, answer.charset)
        except DocumentError as error:
            raise self.client.error(str(error), "correct web_url, or tell the owner of the site") from error

    def _may_want(self, address: str) -> bool:
        suffix = likely_suffix(address)
        return bool(suffix) and self.wants(page_path(address, suffix))

    def _take(self, asked: str, answer: WebAnswer, changed: str, paths: Mapping[str, str]) -> None:
        if answer.passed_over or answer.status in _GONE:
            self.passed_over[asked] = answer.passed_over or f"it is gone ({answer.status})"
            return
        changed = changed if answer.address == asked else ""
        if answer.status == 304:
            if answer.address not in paths:
                raise self.client.error(f"{answer.address} answers 304 to a first request", "tell its owner")
            path = paths[answer.address]
            if self.wants(path):
                self.pages[path] = replace(self.known[path], changed=changed, read_at=_now())
            return
        suffix = suffix_of(answer.media_type, answer.address)
        path = page_path(answer.address, suffix) if suffix else ""
        if not path or not self.wants(path):
            kind = answer.media_type or "of an unknown kind"
            self.passed_over[asked] = f"it is {kind}, which knowledge.include does not name"
            return
        document = self._document(answer) if is_html(suffix) else answer.content
        if path not in self.pages:
            self._keep(path, document, answer, changed)

    def _keep(self, path: str, document: bytes, answer: WebAnswer, changed: str) -> None:
        self._bytes += len(document)
        if self._bytes > _MAX_TOTAL_BYTES:
            raise self.client.error(
                f"its pages are larger than {_MAX_TOTAL_BYTES} bytes", "leave some out with exclude"
            )
        digest = page_digest(document)
        if path not in self.known or self.known[path].digest != digest:
            self.write(path, document)
        self.pages[path] = CopiedPage(answer.address, digest)
        if len(answer.content) <= self.settings.max_file_bytes:  # with a larger limit, there is more to read
            said = (answer.etag, answer.last_modified)
            self.pages[path] = CopiedPage(answer.address, digest, *said, changed, _now())

    def _document(self, answer: WebAnswer) -> bytes:
        """Return what is kept of a page. If the ingest will report it as unreadable, that is all of it."""
        if len(answer.content) > self.settings.max_file_bytes:
            return answer.content
        try:
            page = self.reader.call(answer.address, answer.content, answer.charset)
        except DocumentError:
            return answer.content
        if page.asks_for_password and answer.is_redirected:
            raise self.client.error(
                f"{answer.address}: {_NOT_A_PAGE}", f"{self.client.set_token}, or leave it out with exclude"
            )
        self._forms.append(page.asks_for_password)
        return page.document

    def _limited(self, on_wait: OnWait) -> OnWait:
        seconds = self.settings.web_timeout_seconds
        deadline = time.monotonic() + seconds

        def wait() -> None:
            on_wait()
            if time.monotonic() > deadline:
                raise self.client.error(f"it took longer than web_timeout_seconds ({seconds:g})", "raise it")

        return wait


def _is_settled(page: CopiedPage, changed: str) -> bool:
    """Return whether a page has not changed since it was read, according to its sitemap.

    If the sitemap names only a day, the page may have changed again later on that day, in any time zone.
    """
    if not changed or page.changed != changed:
        return False
    try:
        at = datetime.fromisoformat(changed)
        read_at = datetime.fromisoformat(page.read_at)
    except ValueError:
        return False
    is_day = len(changed) <= _DATE_CHARACTERS
    return read_at > (at if at.tzinfo else at.replace(tzinfo=UTC)) + timedelta(days=2 if is_day else 0, minutes=5)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
