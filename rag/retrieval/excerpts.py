"""Excerpts: the text behind an id, which is a passage with its section, or a whole document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from rag.errors import FilterError, TextNotFound
from rag.retrieval.neighbours import is_row_of
from rag.store.filters import Equals
from rag.store.snapshot import Snapshot
from rag.types import Chunk, MetadataValue


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Markdown `text` of the given lines. `is_whole` is false if it was cut to the allowed length.

    `passage` is the one with the requested id; for a whole document it spans the lines shown and has no headings.
    """

    id: str
    passage: Chunk
    start_line: int
    end_line: int
    text: str
    is_whole: bool

    @property
    def metadata(self) -> Mapping[str, MetadataValue]:
        """Front matter of the document."""
        return self.passage.metadata


def read_excerpt(snapshot: Snapshot, name: str, *, max_characters: int) -> Excerpt:
    """Return the text of one generation for `name`, the id of a passage or the source of a document.

    A passage comes with its section and subsections. If they are longer than `max_characters`, the passage comes with
    as much of its surroundings as fits. Raises TextNotFound and StoreError.
    """
    try:
        found = next(snapshot.chunks(Equals("id", name)), None)
        document = snapshot.chunks_of(found.source if found else name)
    except FilterError:
        document = []  # no id contains such characters
    if not document:
        raise TextNotFound(f"{name[:200]!r} is neither a passage nor a document of generation {snapshot.generation}")
    passage = found or document[0]
    level = len(passage.heading_path) if found else 0
    section = [chunk for chunk in document if chunk.heading_path[:level] == passage.heading_path[:level]]
    blocks = _without_repeats(section)
    shown = _around(blocks, passage, max_characters)
    if not found:
        passage = replace(passage, heading_path=(), anchor="", end_line=shown[-1].end_line)
    return Excerpt(
        id=name,
        passage=passage,
        start_line=min(chunk.start_line for chunk in shown),
        end_line=max(chunk.end_line for chunk in shown),
        text=_text(shown)[:max_characters],
        is_whole=len(shown) == len(blocks),
    )


def _without_repeats(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Return the chunks without the rows that are also part of a table."""
    tabled = {
        (chunk.group, line)
        for chunk in chunks
        if chunk.kind == "table"
        for line in range(chunk.start_line, chunk.end_line + 1)
    }
    return [chunk for chunk in chunks if chunk.kind != "row" or (chunk.group, chunk.start_line) not in tabled]


def _around(chunks: Sequence[Chunk], passage: Chunk, max_characters: int) -> list[Chunk]:
    """Return the passage, or the part of a table with it, and its neighbours on both sides as far as they fit."""
    middle = next(at for at, chunk in enumerate(chunks) if chunk.id == passage.id or is_row_of(passage, chunk))
    first, last, room = middle, middle, max_characters - _length(chunks[middle])
    while True:
        # Downwards first: people read on.
        if last + 1 < len(chunks) and _length(chunks[last + 1]) <= room:
            last += 1
            room -= _length(chunks[last])
        elif first > 0 and _length(chunks[first - 1]) <= room:
            first -= 1
            room -= _length(chunks[first])
        else:
            return list(chunks[first : last + 1])


def _length(chunk: Chunk) -> int:
    # Including the blank line and the headings above it.
    return len(chunk.content) + sum(len(heading) + 8 for heading in chunk.heading_path)


def _text(chunks: Sequence[Chunk]) -> str:
    parts: list[str] = []
    before: tuple[str, ...] = ()
    for chunk in chunks:
        path = chunk.heading_path
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(before, path, strict=False))))
        parts += [f"{'#' * (level + 1)} {path[level]}" for level in range(shared, len(path))]
        parts.append(chunk.content)
        before = path
    return "\n\n".join(parts)
