"""The chunks of a document whose file has another path now: what cutting it again would give, without reading it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ingest.chunking.identity import chunk_identity, group_id, numbered_id
from ingest.readers.document import fallback_title
from rag.types import Chunk

_MAX_BLOCKS = 100_000
"""A block without text has a number, too, and no chunk. No document has as many."""


def move_chunks(chunks: Sequence[Chunk], source: str) -> list[Chunk] | None:
    """Return the chunks that the same file gives under another path; `chunks` are all of a document, in order.

    Return None if that cannot be said for certain: if another reader would read the file, if its title may be its name,
    or if the chunks do not have the ids that this version gives them.
    """
    old = chunks[0].source
    if _suffix(old) != _suffix(source) or (
        fallback_title(old) != fallback_title(source) and chunks[0].title == fallback_title(old)
    ):
        return None
    if [chunk.id for chunk in chunks] != list(_ids(chunks, old)):
        return None
    blocks = _block_numbers(chunks, old)
    if blocks is None:
        return None
    return [
        replace(chunk, id=new_id, source=source, group=group_id(source, block))
        for chunk, new_id, block in zip(chunks, _ids(chunks, source), blocks, strict=True)
    ]


def _suffix(source: str) -> str:
    return PurePosixPath(source).suffix.lower()


def _ids(chunks: Sequence[Chunk], source: str) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for chunk in chunks:
        identity = chunk_identity(source, chunk.heading_path, chunk.kind, chunk.content)
        seen[identity] += 1
        yield numbered_id(identity, seen[identity])


def _block_numbers(chunks: Sequence[Chunk], source: str) -> list[int] | None:
    """Return the number of the block of each chunk, which never falls from one chunk to the next; None if unknown."""
    numbers: list[int] = []
    block = 0
    for chunk in chunks:
        while group_id(source, block) != chunk.group:
            block += 1
            if block > _MAX_BLOCKS:
                return None
        numbers.append(block)
    return numbers
