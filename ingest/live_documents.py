"""A document of the live generation: its file if that is unchanged, otherwise what its chunks have of it."""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest.files.confined import read_below, resolve_below
from ingest.staging.plan import content_hash
from rag.errors import DocumentNotFound, FilterError
from rag.settings import KnowledgeSettings
from rag.store.records import DocumentRecord
from rag.store.snapshot import Snapshot
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """A document of a generation. `content` is the bytes that were ingested; None if the file has changed since."""

    record: DocumentRecord
    snapshot: Snapshot
    content: bytes | None

    def chunks(self) -> list[Chunk]:
        """Return its chunks in the order of their positions. Raises StoreError."""
        return self.snapshot.chunks_of(self.record.source)


def load_live_document(source: str, snapshot: Snapshot, settings: KnowledgeSettings) -> LiveDocument:
    """Return the document `source` of a generation.

    The file is used only if its bytes are those that were ingested. If it has changed or is gone, or if this machine
    never had it, the chunks say what the generation holds. Only files that the manifest names are read, and none
    outside the folder. Raises DocumentNotFound and StoreError.
    """
    try:
        record = snapshot.document(source)
    except FilterError:
        record = None  # no document can have this name
    if record is None:
        raise DocumentNotFound(f"generation {snapshot.generation} has no document {source!r}")
    return LiveDocument(record, snapshot, _content(record, settings))


def _content(record: DocumentRecord, settings: KnowledgeSettings) -> bytes | None:
    """Return the bytes that were ingested, if the file still has them."""
    for form in ("NFC", "NFD"):  # the forms in which file systems keep names
        path = PurePosixPath(unicodedata.normalize(form, record.source))
        try:
            place = resolve_below(settings.path, path)
            content = read_below(settings.path, place, max_bytes=settings.max_file_bytes) if place else None
        except (OSError, ValueError):
            continue
        if content is not None and content_hash(content) == record.content_hash:
            return content
    return None
