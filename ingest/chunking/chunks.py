"""Sections → chunks: passages that fit one embedding, with their place in the document and the block they come from."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.chunking.blocks import Block
from ingest.chunking.budget import ChunkBudget, DocumentTokens
from ingest.chunking.identity import chunk_identity, group_id, numbered_id
from ingest.chunking.inline_text import Line
from ingest.chunking.sections import Section, parse_sections
from ingest.chunking.split import split_blocks
from ingest.readers.document import Document, fallback_title
from rag.models.embedders.protocol import CountTokens
from rag.text.content_lines import write_line_numbers
from rag.types import Chunk

CHUNKER_VERSION = 9
"""Part of every document's content hash. Raise it with each change that gives other chunks for the same file."""


def chunk_document(document: Document, *, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """Cut a document into chunks, in reading order.

    No chunk's `searchable_text` has more than `max_tokens`, as `count_tokens` counts them. Blocks of one section share
    a chunk if they fit. A table gives one chunk for each row, and the whole table in as many chunks as it needs, each
    with the header.
    """
    sections = parse_sections(document.root)
    return chunk_sections(document, sections, count_tokens=count_tokens, max_tokens=max_tokens)


def chunk_sections(
    document: Document,
    sections: Sequence[Section],
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    timeout_seconds: float = math.inf,
) -> list[Chunk]:
    """Cut a document into chunks whose sections are known already, as `chunk_document` does.

    Raises DocumentError if it takes longer than `timeout_seconds`.
    """
    tokens = DocumentTokens(count_tokens, document.source, timeout_seconds)
    title = document.title or _first_heading(sections) or fallback_title(document.source)
    chunks: list[Chunk] = []
    seen: Counter[str] = Counter()
    first_block = 0
    for section in (*_properties_section(document), *sections):
        template = _template(document, title, section)
        budget = ChunkBudget(tokens, template.context, max_tokens)
        for piece in split_blocks(section.blocks, budget):
            identity = chunk_identity(document.source, section.heading_path, piece.kind, piece.content)
            seen[identity] += 1
            chunks.append(
                replace(
                    template,
                    id=numbered_id(identity, seen[identity]),
                    kind=piece.kind,
                    position=len(chunks),
                    group=group_id(document.source, first_block + piece.block),
                    start_line=piece.start_line,
                    end_line=piece.end_line,
                    content=piece.content,
                    line_numbers=write_line_numbers(piece.numbers),
                )
            )
        first_block += len(section.blocks)
    return chunks


def _properties_section(document: Document) -> Iterator[Section]:
    """Yield what the front matter says as a section of its own, which is found like any other text."""
    lines = tuple(Line(each.text, each.line, each.line) for each in document.properties)
    if lines:
        first, last = min(line.start_line for line in lines), max(line.end_line for line in lines)
        yield Section((), "", (Block("text", first, last, lines),))


def _template(document: Document, title: str, section: Section) -> Chunk:
    """Return a chunk with what all chunks of a section have in common."""
    return Chunk(
        id="",
        source=document.source,
        title=title,
        heading_path=section.heading_path,
        anchor=section.anchor,
        kind="text",
        position=0,
        group="",
        start_line=0,
        end_line=0,
        content="",
        metadata=document.metadata,
    )


def _first_heading(sections: Sequence[Section]) -> str:
    return next((section.heading_path[0] for section in sections if section.heading_path), "")
