"""Sections → chunks: passages that fit one embedding, with where they stand and which block they were cut from."""

import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ingest.chunking.budget import ChunkBudget, ChunkingDeadline
from ingest.chunking.sections import Section, parse_sections
from ingest.chunking.split import split_blocks
from ingest.readers.documents import Document, fallback_title
from rag.models.embedders.protocol import CountTokens
from rag.types import Chunk

CHUNKER_VERSION = 2
"""Part of every document's content hash: raised with each change that gives other chunks for the same file."""


def chunk_document(document: Document, *, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """Cut a document into chunks, in reading order.

    No chunk's `searchable_text` takes more than `max_tokens` as `count_tokens` counts. Blocks of one section share a
    chunk while they fit; a table gives one chunk for each row, and the whole table (in as many chunks as it takes,
    each with the header).
    """
    sections = parse_sections(document.body, document.first_line)
    return chunk_sections(document, sections, count_tokens=count_tokens, max_tokens=max_tokens)


def chunk_sections(
    document: Document,
    sections: Sequence[Section],
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    timeout_seconds: float = math.inf,
) -> list[Chunk]:
    """`chunk_document` for sections that are known already.

    Raises DocumentError if it takes longer than `timeout_seconds`.
    """
    deadline = ChunkingDeadline(document.source, timeout_seconds)
    title = document.title or _first_heading(sections) or fallback_title(document.source)
    chunks: list[Chunk] = []
    seen: Counter[str] = Counter()
    block_offset = 0
    for section in sections:
        chunk = Chunk(
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
        budget = ChunkBudget(count_tokens, chunk.context, max_tokens, deadline)
        for piece in split_blocks(section.blocks, budget):
            identity = _digest(document.source, *section.heading_path, piece.kind, _normalised(piece.content))
            seen[identity] += 1
            chunks.append(
                replace(
                    chunk,
                    id=_digest(identity, str(seen[identity])),
                    kind=piece.kind,
                    position=len(chunks),
                    group=_digest(document.source, str(block_offset + piece.block)),
                    start_line=_file_line(document, piece.start_line),
                    end_line=_file_line(document, piece.end_line),
                    content=piece.content,
                )
            )
        block_offset += len(section.blocks)
    return chunks


def _first_heading(sections: Sequence[Section]) -> str:
    return next((section.heading_path[0] for section in sections if section.heading_path), "")


def _file_line(document: Document, line: int) -> int:
    return document.line_map[min(line, len(document.line_map)) - 1] if document.line_map else line


def _normalised(content: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", content).split())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
