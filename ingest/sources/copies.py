"""The folder of documents, brought up to date with where the documents come from."""

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from ingest.files.scan import GOLDEN_FILE
from ingest.files.selection import Selection
from ingest.sources.copy_lock import copy_lock
from ingest.sources.git_source import GitSource
from ingest.sources.mirror import Mirror
from ingest.sources.page_index import read_page_index
from ingest.sources.protocol import OnWait, Source
from ingest.sources.s3_bucket import S3Documents
from ingest.sources.update_record import UpdateRecord, read_record, write_record
from rag.errors import SourceError
from rag.settings import KnowledgeSettings


def source_of(settings: KnowledgeSettings, knowledge_base: str) -> Source | None:
    """Return where the documents of a knowledge base come from; None if they are in a folder of this machine."""
    copy = _copy_of(settings)
    if settings.git_url:
        return GitSource(settings, copy, knowledge_base)
    if settings.s3_url:
        return Mirror(S3Documents(settings), copy, wants=_wants(settings), max_bytes=settings.max_file_bytes)
    if settings.web_url:
        from ingest.sources.web_site import WebSite  # noqa: PLC0415  (the HTTP library is slow to import)

        return WebSite(settings, copy, knowledge_base, wants=_wants(settings))
    return None


def last_update(settings: KnowledgeSettings) -> UpdateRecord:
    """Return what became of the last update of a copy, whichever process made it."""
    return read_record(_copy_of(settings))


@contextmanager
def current_copy(settings: KnowledgeSettings, knowledge_base: str, on_wait: OnWait = lambda: None) -> Iterator[str]:
    """Bring the folder of documents up to date, keep it so, and yield the version of it; "" for a plain folder.

    Raises SourceError if that fails, which is noted for `last_update`, and StoreLocked while another ingest has it.
    """
    source = source_of(settings, knowledge_base)
    if source is None:
        yield ""
        return
    with copy_lock(source.copy.with_suffix(".lock")) as lock:
        record = read_record(source.copy)
        try:
            version = source.update(lock, on_wait)
        except SourceError as error:
            _note(source.copy, record.failed(str(error)))
            raise
        _note(source.copy, record.succeeded(version))
        yield version


def page_addresses(settings: KnowledgeSettings) -> dict[str, str]:
    """Return where each document of the copy of a web site is published, by source; empty for other sources."""
    if not settings.web_url:
        return {}
    return {path: page.address for path, page in read_page_index(_copy_of(settings)).pages.items()}


def pages_passed_over(settings: KnowledgeSettings) -> Mapping[str, str]:
    """Return why pages that a web site lists are no documents, by address; empty for other sources."""
    return read_page_index(_copy_of(settings)).passed_over if settings.web_url else {}


def remote_version(settings: KnowledgeSettings, knowledge_base: str, on_wait: OnWait = lambda: None) -> str:
    """Return the version that an update would fetch now, "" for a plain folder. Raises SourceError; notes nothing."""
    source = source_of(settings, knowledge_base)
    return source.version(on_wait) if source else ""


def probe_source(settings: KnowledgeSettings, knowledge_base: str) -> str:
    """Return the same as `remote_version`, but for a web site, which has no version, a digest of its list of pages."""
    source = source_of(settings, knowledge_base)
    return source.probe(lambda: None) if source else ""


def _copy_of(settings: KnowledgeSettings) -> Path:
    depth = len(PurePosixPath(settings.folder_in_copy).parts)
    return [settings.path, *settings.path.parents][depth]


def _wants(settings: KnowledgeSettings) -> Callable[[str], bool]:
    """Return whether a document of another place is copied: it is one, or a picture of one, or golden questions."""
    selection = Selection(settings.include, settings.exclude)

    def wants(path: str) -> bool:
        is_beside = path == GOLDEN_FILE or (mimetypes.guess_type(path)[0] or "").startswith("image/")
        return (is_beside or selection.includes(path)) and not selection.excludes(path)

    return wants


def _note(copy: Path, record: UpdateRecord) -> None:
    with suppress(OSError):  # a disk that is full fails the ingest, and says so there
        write_record(copy, record)
