"""A document of the live generation: read from its file if that is unchanged, otherwise rebuilt from its chunks."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from ingest.files.confined import read_below, resolve_below
from ingest.markup.markdown_tree import markdown_tree
from ingest.markup.tree import Element, Node, Text
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
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
    """The document that the chunks were cut from or, if `is_rebuilt`, that was rebuilt from them.

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
        return parse_document(record.source, content)
    except DocumentError:
        return None  # an earlier version of the reader could read it, and its chunks are still there


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
    ordered = sorted(chunks, key=lambda chunk: chunk.position)
    root = Element("body", 1, children=[*_elements(ordered)])
    return Document(record.source, record.title, root, ordered[0].metadata if ordered else {})


def _elements(chunks: Sequence[Chunk]) -> Iterator[Element]:
    """Yield headings and blocks with the lines of the file that they stand for, as closely as chunks know them."""
    path: tuple[str, ...] = ()
    tables = {chunk.group for chunk in chunks if chunk.kind == "table"}
    for chunk in chunks:
        if chunk.kind == "row" and chunk.group in tables:
            continue  # its table has the same content
        kept = _common_length(path, chunk.heading_path)
        for depth, heading in enumerate(chunk.heading_path[kept:], kept + 1):
            element = Element(f"h{min(depth, 6)}", chunk.start_line, children=[Text(heading, chunk.start_line)])
            if depth == len(chunk.heading_path) and chunk.anchor:
                element.attributes["id"] = chunk.anchor
            yield element
        path = chunk.heading_path
        if chunk.kind in ("table", "list", "code"):
            yield from _markdown(chunk)
        else:
            yield from map(_paragraph, _paragraphs(chunk))


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many items the two have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _markdown(chunk: Chunk) -> Iterator[Element]:
    """Yield the blocks of a chunk that is Markdown. Its lines count from the first one that the file has."""
    lines = chunk.content.count("\n") + 1
    # The lines above the header (a caption) and the delimiter row of a table stand for no line of the file.
    above = max(lines - (chunk.end_line - chunk.start_line + 1), 0) if chunk.kind == "table" else 0
    try:
        root = markdown_tree(chunk.content, chunk.start_line - above)
    except RecursionError:
        yield _paragraph(Text(chunk.content, chunk.start_line))
        return
    for child in root.children:
        if isinstance(child, Element):
            _keep_within(child, chunk)
            yield child


def _keep_within(element: Element, chunk: Chunk) -> None:
    element.line = min(max(element.line, chunk.start_line), chunk.end_line)
    element.end_line = min(max(element.end_line, element.line), chunk.end_line)
    for child in element.children:
        if isinstance(child, Element):
            _keep_within(child, chunk)
        else:
            child.line = min(max(child.line, chunk.start_line), chunk.end_line)


def _paragraphs(chunk: Chunk) -> Iterator[Text]:
    line = chunk.start_line
    for text in chunk.content.split("\n\n"):
        yield Text(text, min(line, chunk.end_line))
        line += text.count("\n") + 2


def _paragraph(text: Text) -> Element:
    """Return a paragraph in which every character means itself, with the line breaks of the text."""
    children: list[Node] = []
    for number, line in enumerate(text.text.split("\n"), text.line):
        children += [Text(line, number), Element("br", number)]
    return Element("p", text.line, text.line + text.text.count("\n"), children=children[:-1])
