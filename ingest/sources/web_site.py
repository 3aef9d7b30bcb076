"""A web site as a source: the pages that it lists, asked for again only if they may have changed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ingest.document_process import DocumentProcess
from ingest.sources.copied_files import digest_of, remove_other_files, write_copied
from ingest.sources.page_index import CopiedPage, intact_pages, write_page_index
from ingest.sources.protocol import OnWait
from ingest.sources.site_look import SiteLook
from ingest.sources.web_client import WebClient
from ingest.sources.web_page import read_page
from rag.errors import ConfigError, SourceError
from rag.models.http_route import find_route
from rag.private_files import make_private_folder
from rag.settings import KnowledgeSettings


class WebSite:
    """The pages of one site, as documents.

    `copy` has a file for each, and beside it is an index of what the server said of them.
    """

    def __init__(
        self, settings: KnowledgeSettings, copy: Path, knowledge_base: str, *, wants: Callable[[str], bool]
    ) -> None:
        self.copy = copy
        self._settings = settings
        self._knowledge_base = knowledge_base
        self._wants = wants

    def version(self, on_wait: OnWait) -> str:
        """Return a digest of all pages, each of which is asked for. Raises SourceError."""
        with self._look(intact_pages(self.copy), lambda path, content: None) as look:
            look.run(on_wait)
            return look.version

    def probe(self, on_wait: OnWait) -> str:
        """Return a digest of the list of pages. Raises SourceError."""
        with self._look({}, lambda path, content: None) as look:
            return digest_of(look.list_pages(on_wait))

    def update(self, lock: int, on_wait: OnWait) -> str:
        """Read the pages that have changed, remove those that are gone, and return a digest. Raises SourceError.

        After a failure, the pages that were read before it are not read again.
        """
        known = intact_pages(self.copy)
        try:
            make_private_folder(self.copy)
            with self._look(known, lambda path, content: write_copied(self.copy / path, content)) as look:
                try:
                    look.run(on_wait)
                    remove_other_files(self.copy, look.pages)
                finally:
                    write_page_index(self.copy, look.index)
        except OSError as error:
            place = error.filename or self.copy
            raise SourceError(f"{place}: {error.strerror}; zhiwen keeps a copy of the documents there") from error
        return look.version

    @contextmanager
    def _look(self, known: Mapping[str, CopiedPage], write: Callable[[str, bytes], object]) -> Iterator[SiteLook]:
        settings = self._settings
        try:
            options = find_route(settings.web_url).client_options
        except ConfigError as error:
            raise SourceError(f"{settings.web_url}: {error}") from error
        by_address = {page.address: page for page in known.values()}
        with (
            DocumentProcess(
                read_page, timeout_seconds=settings.max_seconds_per_document, purpose="read its links"
            ) as reader,
            WebClient(settings, self._knowledge_base, by_address, **options) as client,
        ):
            yield SiteLook(settings, client, reader, known, self._wants, write)
