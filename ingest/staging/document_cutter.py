"""One file, read and cut into chunks."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ingest.chunking.chunks import CHUNKER_VERSION, chunk_sections
from ingest.files.scan import File
from ingest.parser_process import ParserProcess
from ingest.staging.plan import content_hash
from rag.errors import DocumentError
from rag.models.embedders.protocol import Embedder
from rag.settings import Settings
from rag.store.failpoints import reach_failpoint
from rag.store.records import COPIED, DocumentRecord, FailedDocument
from rag.text.dates import front_matter_date
from rag.types import Chunk, MetadataValue
from rag.web_address import site_of

CheckRunning = Callable[[], None]
"""Raises IngestStopped if the result of the work is no longer wanted."""


@dataclass(frozen=True, slots=True)
class FileToCut:
    """A file, the day of its last commit, and what was noted when it could not be cut and nothing has changed since.

    `address` is where it is published, if it was read there. `content` are its bytes if it has been read already.
    """

    file: File
    committed: str = ""
    failed: FailedDocument | None = None
    content: bytes | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document's manifest, and its chunks in order.

    `is_old_version` marks what readers have of a document that cannot be read any more. `warnings` say what of it could
    not be understood.
    """

    record: DocumentRecord
    chunks: tuple[Chunk, ...]
    is_old_version: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableDocument:
    """A document that cannot be read, and why. `size` is that of its file in bytes.

    `content_hash` is "" if its bytes cannot be read either.
    """

    source: str
    size: int
    error: str
    content_hash: str = ""

    @classmethod
    def of(cls, file: File, error: DocumentError, content_hash: str = "") -> "UnreadableDocument":
        """Return the document of a file that cannot be read or cut."""
        return cls(file.source, file.size, str(error).removeprefix(f"{file.source}: "), content_hash)


class DocumentCutter:
    """Reads files and cuts them into chunks that the embedder takes whole. `pipeline` is their pipeline fingerprint."""

    def __init__(self, parser: ParserProcess, embedder: Embedder, settings: Settings, *, pipeline: str) -> None:
        self._parser = parser
        self._embedder = embedder
        self._settings = settings
        self._pipeline_fingerprint = pipeline

    def cut(self, to_cut: FileToCut, check_running: CheckRunning = lambda: None) -> CutDocument | UnreadableDocument:
        """Read a file and cut it. What `check_running`, which is called often, raises ends it.

        A document that failed before is not tried again if it has the same bytes. Raises IngestStopped if no parser can
        be started.
        """
        file, failed, digest = to_cut.file, to_cut.failed, ""
        try:
            content = to_cut.content
            if content is None:
                content = file.read(self._settings.knowledge.max_file_bytes)
            digest = content_hash(content)
            if failed and failed.content_hash == digest:
                return UnreadableDocument(file.source, file.size, failed.error, digest)
            return self._cut(to_cut, content, digest, check_running)
        except DocumentError as error:
            return UnreadableDocument.of(file, error, digest)

    def _cut(self, to_cut: FileToCut, content: bytes, digest: str, check_running: CheckRunning) -> CutDocument:
        file = to_cut.file

        def count_tokens(text: str) -> int:
            check_running()
            return self._embedder.count_tokens(text)

        parsed = self._parser.parse(file.source, content)
        reach_failpoint("parsed")
        document = parsed.document
        if to_cut.address:
            document = replace(document, metadata={**document.metadata, "url": to_cut.address})
        chunks = chunk_sections(
            document,
            parsed.sections,
            count_tokens=count_tokens,
            max_tokens=min(self._settings.chunking.max_tokens, self._embedder.max_tokens),
            timeout_seconds=self._settings.knowledge.max_seconds_per_document,
        )
        is_copy = bool(self._settings.knowledge.source_url)
        dated, dated_by = document_date(document.metadata, to_cut.committed, is_copy=is_copy)
        record = DocumentRecord(
            source=file.source,
            content_hash=digest,
            pipeline_fingerprint=self._pipeline_fingerprint,
            size=file.size,
            modified_ns=file.modified_ns,
            title=chunks[0].title if chunks else document.title,
            chunks=len(chunks),
            dated=dated,
            dated_by=dated_by,
        )
        return CutDocument(record, tuple(chunks), warnings=tuple(document.warnings))


def document_date(metadata: Mapping[str, MetadataValue], committed: str, *, is_copy: bool) -> tuple[str, str]:
    """Return the day of a document, and what says so: its front matter, or the day when it was last `committed`.

    `is_copy` says whether its folder is a copy of another place.
    """
    if own := front_matter_date(metadata):
        return own, "front matter"
    if committed:
        return committed, "git"
    return "", COPIED if is_copy else ""


def pipeline_fingerprint(settings: Settings, embedder: Embedder) -> str:
    """Return 16 hex digits that change with everything, besides the bytes, that chunks and vectors depend on."""
    parts = [str(CHUNKER_VERSION), str(settings.chunking.max_tokens), embedder.fingerprint]
    if settings.knowledge.web_url:
        parts.append(site_of(settings.knowledge.web_url))  # chunks know the addresses of their pages
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
