"""The lines of documents as a generation holds them, with their numbers in the files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.errors import FilterError, TextNotFound
from rag.store.filters import Prefix
from rag.store.snapshot import Snapshot
from rag.text.content_lines import file_lines, repeated_lines
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document; `number` counts from 1, and counts pages, rows, slides or blocks where there are no lines.

    A heading has the number of the text below it, and begins with `#`.
    """

    source: str
    number: int
    text: str
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines of a document that have text. `last_line` is the number of the last line of the whole document."""

    source: str
    title: str
    lines: tuple[Line, ...]
    last_line: int


def read_lines(snapshot: Snapshot, source: str, wanted: range, *, max_characters: int) -> LineRange:
    """Return those of the wanted lines that have text, as many as fit into `max_characters`, at least one.

    Raises TextNotFound if there is no such document or it has no text there, and StoreError.
    """
    try:
        chunks = snapshot.chunks_of(source)
    except FilterError:
        chunks = []  # no document can have this name
    if not chunks:
        raise TextNotFound(f"generation {snapshot.generation} has no document {source[:200]!r}")
    last_line = max(chunk.end_line for chunk in chunks)
    lines = [line for line in _lines_of_document(chunks) if line.number in wanted]
    if not lines:
        asked = f"{wanted.start} to {wanted.stop - 1}"
        raise TextNotFound(f"{source} has no text on lines {asked}; its last line is {last_line}")
    room, count = max_characters - len(lines[0].text), 1
    while count < len(lines) and (room := room - len(lines[count].text)) >= 0:
        count += 1
    return LineRange(source, chunks[0].title, tuple(lines[:count]), last_line)


def find_lines(snapshot: Snapshot, text: str, *, folder: str = "", most: int) -> tuple[Line, ...]:
    """Return the lines and headings that hold a text, by document and number; about `most` of them if there are more.

    Upper and lower case are the same, and a `*` in the text stands for anything within the line. `folder` begins the
    sources of the documents that are searched. Raises StoreError, and FilterError for a folder that none can have.
    """
    parts = [part for part in text.casefold().split("*") if part]
    found: dict[tuple[str, int, str], Line] = {}
    rows: list[tuple[str, Line]] = []
    tables: set[str] = set()
    for chunk in snapshot.chunks(Prefix("source", folder) if folder else None):
        matching = [line for line in _content_lines(chunk, parts) if _holds(line.text, parts)]
        if chunk.kind == "row":
            rows += ((chunk.group, line) for line in matching)
            continue
        tables |= {chunk.group} if chunk.kind == "table" else set()
        headings = (_heading(chunk, level) for level in range(len(chunk.heading_path)))
        for line in (*matching, *(heading for heading in headings if _holds(heading.text, parts))):
            # A heading is that of all chunks of its section: the first one counts.
            key = (line.source, 0 if line.is_heading else line.number, line.text)
            found[key] = min(line, found.get(key, line), key=_number)
        if len(found) >= most:
            break
    # A row repeats the header; its table has it as the author wrote it.
    lines = [*found.values(), *(line for group, line in rows if group not in tables)]
    return tuple(sorted(lines, key=lambda line: (line.source, line.number)))


def _lines_of_document(chunks: Sequence[Chunk]) -> Iterator[Line]:
    """Yield headings and lines in reading order, the rows of a table only as the table has them."""
    tables = {chunk.group for chunk in chunks if chunk.kind == "table"}
    before: tuple[str, ...] = ()
    for chunk in chunks:
        if chunk.kind == "row" and chunk.group in tables:
            continue
        for level in range(len(chunk.heading_path)):
            if before[: level + 1] != chunk.heading_path[: level + 1]:
                yield _heading(chunk, level)
        before = chunk.heading_path
        yield from _content_lines(chunk)


def _content_lines(chunk: Chunk, parts: Sequence[str] = ()) -> Iterator[Line]:
    """Yield the lines of a chunk without those that it repeats; none if the chunk lacks any of the `parts`."""
    if not all(part in chunk.content.casefold() for part in parts):
        return
    start, repeated = 0, repeated_lines(chunk)
    for position, text in enumerate(chunk.content.split("\n")):
        if position >= repeated and text.strip():
            yield Line(chunk.source, file_lines(chunk, start, start + len(text))[0], text)
        start += len(text) + 1


def _heading(chunk: Chunk, level: int) -> Line:
    return Line(chunk.source, chunk.start_line, f"{'#' * (level + 1)} {chunk.heading_path[level]}", is_heading=True)


def _holds(text: str, parts: Sequence[str]) -> bool:
    """Return whether a text has the parts one after the other. Takes time in proportion to the text."""
    rest, at = text.casefold(), 0
    for part in parts:
        at = rest.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _number(line: Line) -> int:
    return line.number
