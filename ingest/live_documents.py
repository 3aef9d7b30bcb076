"""A document of the live generation: read from its file if that is unchanged, otherwise rebuilt from its chunks."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from ingest.chunking.sections import parse_tokens
from ingest.files.confined import read_below, resolve_below
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
from ingest.readers.plain_text import text_to_markdown
from ingest.staging.plan import content_hash
from rag.errors import DocumentError, DocumentNotFound, FilterError
from rag.settings import KnowledgeSettings
from rag.store.filters import Equals
from rag.store.records import DocumentRecord
from rag.store.snapshot import Snapshot
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """A document of a generation. `content` is the bytes that were ingested; None if the file has changed since."""

    record: DocumentRecord
    snapshot: Snapshot
    content: bytes | None

    def text(self) -> "LiveText":
        """Parse the content, or rebuild the document from its chunks. Raises StoreError."""
        document = _parsed(self.record, self.content) if self.content is not None else None
        if document:
            return LiveText(document, is_rebuilt=False)
        chunks = [stored.chunk for stored in self.snapshot.chunks(Equals("source", self.record.source))]
        return LiveText(rebuild_document(self.record, chunks), is_rebuilt=True)


@dataclass(frozen=True, slots=True)
class LiveText:
    """The Markdown that the chunks were cut from or, if `is_rebuilt`, that was rebuilt from them.

    In both cases the document knows which line of the file each of its lines stands for.
    """

    document: Document
    is_rebuilt: bool


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
        raise DocumentNotFound(f"there is no document {source!r} in generation {snapshot.generation}")
    return LiveDocument(record, snapshot, _content(record, settings))


def _parsed(record: DocumentRecord, content: bytes) -> Document | None:
    try:
        document = parse_document(record.source, content)
        parse_tokens(document.body)
    except (DocumentError, RecursionError):
        return None  # an earlier version of the reader could read it, and its chunks are still there
    return document


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


def rebuild_document(record: DocumentRecord, chunks: Sequence[Chunk]) -> Document:
    """Return the document as its chunks have it, under their headings."""
    lines: list[str] = []
    line_map: list[int] = []
    for text, line in _lines(sorted(chunks, key=lambda chunk: chunk.position)):
        lines.append(text)
        line_map.append(line)
    metadata = chunks[0].metadata if chunks else {}
    return Document(record.source, record.title, "\n".join(lines), 1, metadata, line_map)


def _lines(chunks: Sequence[Chunk]) -> Iterator[tuple[str, int]]:
    """Yield each line of Markdown with the line of the file that it stands for, as closely as chunks know it."""
    path: tuple[str, ...] = ()
    tables = {chunk.group for chunk in chunks if chunk.kind == "table"}
    for chunk in chunks:
        if chunk.kind == "row" and chunk.group in tables:
            continue  # its table has the same content
        kept = _common_length(path, chunk.heading_path)
        for depth, heading in enumerate(chunk.heading_path[kept:], kept + 1):
            anchor = f" {{#{chunk.anchor}}}" if depth == len(chunk.heading_path) and chunk.anchor else ""
            yield f"{'#' * min(depth, 6)} {text_to_markdown(heading)}{anchor}", chunk.start_line
            yield "", chunk.start_line
        path = chunk.heading_path
        texts = chunk.content.split("\n")
        # The lines above the header (a caption) and the delimiter row stand for no line of the file.
        offset = len(texts) - (chunk.end_line - chunk.start_line + 1) if chunk.kind == "table" else 0
        for number, text in enumerate(_markdown(chunk)):
            yield text, min(chunk.start_line + max(number - max(offset, 0), 0), chunk.end_line)
        yield "", chunk.end_line


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many items the two have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _markdown(chunk: Chunk) -> list[str]:
    if chunk.kind == "table":
        return chunk.content.split("\n")
    if chunk.kind == "code" and not chunk.content.startswith("```"):
        return ["````", *chunk.content.split("\n"), "````"]
    if chunk.kind in ("code", "list"):
        return chunk.content.split("\n")
    return text_to_markdown(chunk.content).split("\n")
