"""Parsing in a separate process, so that a document that takes too long or too much memory harms nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.chunking.sections import Section, parse_sections
from ingest.document_process import DocumentProcess
from ingest.markup.tree import Element
from ingest.readers.document import Document
from ingest.readers.parse import parse_document
from rag.errors import DocumentError


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document, without its tree, and its sections."""

    document: Document
    sections: Sequence[Section]


def parse_and_section(source: str, content: bytes) -> ParsedDocument:
    """Read the bytes of a file and find its sections. Raises DocumentError."""
    document = parse_document(source, content)
    try:
        sections = parse_sections(document.root)
        # Only the sections are needed, and a tree can be nested more deeply than pickle goes.
        return ParsedDocument(replace(document, root=Element("body", 1)), sections)
    except (RecursionError, MemoryError) as error:
        raise DocumentError(f"{source}: is nested too deeply to be parsed") from error


class ParserProcess(DocumentProcess[ParsedDocument]):
    """Parses documents in a child, `timeout_seconds` for each at most. A context manager, for one thread at a time."""

    def __init__(self, *, timeout_seconds: float) -> None:
        purpose = "parse (knowledge.max_seconds_per_document)"
        super().__init__(parse_and_section, timeout_seconds=timeout_seconds, purpose=purpose)

    def parse(self, source: str, content: bytes) -> ParsedDocument:
        """Return the document with its sections. Raises as `call`."""
        return self.call(source, content)
