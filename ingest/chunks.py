"""Sections → chunks: passages that fit one embedding, with where they stand and which block they were cut from."""

import hashlib
import math
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.documents import Document, fallback_title
from ingest.sections import Block, Line, Section, parse_sections
from ingest.tables import Row
from rag.errors import DocumentError
from rag.rows import MAX_CONTENT_BYTES
from rag.vocabulary import PATH_SEPARATOR, Chunk, Kind

CHUNKER_VERSION = 2
"""Part of every document's content hash: raised with each change that gives other chunks for the same file."""

CountTokens = Callable[[str], int]

_SENTENCE_END = re.compile(r"(?<=[。！？；\n])|(?<=[.!?;])\s+")
_MIN_BUDGET_TOKENS = 16
_MAX_LINES = 200  # blank lines take no tokens


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk in the making. `block` numbers the block within the document."""

    kind: Kind
    block: int
    start_line: int
    end_line: int
    content: str


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
    deadline = _Deadline(document.source, timeout_seconds)
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
        budget = _Budget(count_tokens, chunk.context, max_tokens, deadline)
        for piece in _pieces(section.blocks, budget):
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


class _Deadline:
    def __init__(self, source: str, timeout_seconds: float) -> None:
        self._source = source
        self._seconds = timeout_seconds
        self._end = time.monotonic() + timeout_seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise DocumentError(
                f"{self._source}: takes longer than {self._seconds:g} s to cut (knowledge.max_seconds_per_document)"
            )


class _Budget:
    """How many tokens of content fit beside the context of a section."""

    def __init__(self, count_tokens: CountTokens, context: str, max_tokens: int, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._count = count_tokens
        self._context = context
        self._max_tokens = max_tokens
        self._frame = count_tokens("")
        self.max_tokens = max_tokens
        self.tokens = max(max_tokens - self.cost(f"{context}\n") - self._frame, _MIN_BUDGET_TOKENS)

    def cost(self, text: str) -> int:
        """Tokens of the text alone, without prefix and special tokens."""
        self._deadline.check()
        return max(self._count(text) - self._frame, 1) if text else 0

    def fits(self, content: str) -> bool:
        self._deadline.check()
        return self.total(content) <= self._max_tokens

    def total(self, content: str) -> int:
        """Tokens of the whole chunk; over the limit for more bytes than the store takes."""
        self._deadline.check()
        if len(content) > MAX_CONTENT_BYTES // 4 and len(content.encode()) > MAX_CONTENT_BYTES:
            return self._max_tokens + 1
        return self._count(f"{self._context}\n{content}")


def _file_line(document: Document, line: int) -> int:
    return document.line_map[min(line, len(document.line_map)) - 1] if document.line_map else line


def _first_heading(sections: Sequence[Section]) -> str:
    return next((section.heading_path[0] for section in sections if section.heading_path), "")


def _pieces(blocks: Sequence[Block], budget: _Budget) -> Iterator[_Piece]:
    together: list[_Piece] = []
    for number, block in enumerate(blocks):
        if block.table:
            yield from _joined(together)
            together = []
            yield from _table_pieces(number, block, budget)
            continue
        piece = _Piece(block.kind, number, block.start_line, block.end_line, _block_text(block, block.lines))
        if together and not budget.fits("\n\n".join(part.content for part in [*together, piece])):
            yield from _joined(together)
            together = []
        if budget.fits(piece.content):
            together.append(piece)
        else:
            yield from _split_block(number, block, budget)
    yield from _joined(together)


def _joined(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    if pieces:
        kinds = {piece.kind for piece in pieces}
        yield _Piece(
            kinds.pop() if len(kinds) == 1 else "text",
            pieces[0].block,
            pieces[0].start_line,
            pieces[-1].end_line,
            "\n\n".join(piece.content for piece in pieces),
        )


def _block_text(block: Block, lines: Sequence[Line]) -> str:
    """The lines as they read, under the caption, after the list items that they belong to."""
    missing = [above for above in lines[0].ancestors if above not in {line.text for line in lines}]
    texts = [*missing, *(line.text for line in lines)]
    if block.kind == "code" and block.fence:
        texts = [f"```{block.fence}", *texts, "```"]
    return "\n".join([block.caption, *texts] if block.caption else texts)


def _split_block(number: int, block: Block, budget: _Budget) -> Iterator[_Piece]:
    """Cut a block that is too long between its lines, and a line that is too long between its sentences."""
    start = block.start_line
    if block.caption and budget.cost(block.caption) > budget.tokens // 2:
        for part in split_text(block.caption, budget.total, budget.max_tokens):
            yield _Piece("text", number, start, start, part)
        block = replace(block, caption="")
    run: list[Line] = []
    for line in _short_lines(block, budget):
        if run and (len(run) >= _MAX_LINES or not budget.fits(_block_text(block, [*run, line]))):
            yield _Piece(block.kind, number, start, run[-1].end_line, _block_text(block, run))
            start = line.start_line
            run = []
        run.append(line)
    if run:
        yield _Piece(block.kind, number, start, run[-1].end_line, _block_text(block, run))


def _short_lines(block: Block, budget: _Budget) -> Iterator[Line]:
    for line in block.lines:
        if budget.fits(_block_text(block, [line])):
            yield line
            continue
        framing = budget.cost(_block_text(block, [replace(line, text="")]))
        # Captions and list ancestors that leave no room are dropped rather than the text they lead to.
        room = budget.tokens - framing
        bare = line if room >= _MIN_BUDGET_TOKENS else replace(line, ancestors=())

        def total(part: str, bare: Line = bare) -> int:
            return budget.total(_block_text(block, [replace(bare, text=part)]))

        for part in split_text(line.text, total, budget.max_tokens):
            yield replace(bare, text=part)


def _table_pieces(number: int, block: Block, budget: _Budget) -> Iterator[_Piece]:
    table = block.table
    if table is None:
        return
    caption_left = block.caption
    if block.caption and budget.cost(block.caption) > budget.tokens // 3:
        block = replace(block, caption="")
    head = "\n".join(filter(None, (block.caption, table.head_as_markdown())))
    run: list[Row] = []

    def whole(rows: Sequence[Row]) -> _Piece:
        content = "\n".join([head, *(row.as_markdown() for row in rows)])
        start = block.start_line if rows[0] is table.rows[0] else rows[0].line
        return _Piece("table", number, start, rows[-1].line, content)

    if caption_left and (not block.caption or not all(budget.fits(whole([row]).content) for row in table.rows)):
        for part in split_text(caption_left, budget.total, budget.max_tokens):
            yield _Piece("text", number, block.start_line, block.start_line, part)
    for row in table.rows:
        if not budget.fits(whole([row]).content):
            # Too long for a table of its own: its row chunks below say everything it says.
            if run:
                yield whole(run)
            run = []
            continue
        if run and not budget.fits(whole([*run, row]).content):
            yield whole(run)
            run = []
        run.append(row)
    if run:
        yield whole(run)
    for row in table.rows:
        for text in _row_texts(row, block.caption, budget):
            yield _Piece("row", number, row.line, row.line, text)


def _row_texts(row: Row, caption: str, budget: _Budget) -> Iterator[str]:
    """The row in one text, or, where that is too long, cell by cell, each after the row's first cell."""
    caption = caption.rstrip(":：")
    whole = PATH_SEPARATOR.join(filter(None, (caption, row.as_text())))
    if budget.fits(whole):
        yield whole
        return
    if budget.fits(row.as_text()):
        yield row.as_text()
        return
    first, *others = row.fields()
    key = next(split_text(first, budget.cost, budget.tokens // 3))
    if key != first or not others:
        others = [first, *others]
    run: list[str] = []
    for field in others:
        for part in split_text(field, lambda part: budget.total(key + PATH_SEPARATOR + part), budget.max_tokens):
            if run and not budget.fits(PATH_SEPARATOR.join([key, *run, part])):
                yield PATH_SEPARATOR.join([key, *run])
                run = []
            run.append(part)
    if run:
        yield PATH_SEPARATOR.join([key, *run])


def split_text(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Cut a text into parts of at most `max_tokens`, between sentences where it can be done, else between characters.

    Every character but the white space at the cuts is in exactly one part.
    """
    run = ""
    for sentence in _SENTENCE_END.split(text):
        glue = "" if not run or run.endswith(("\n", "。", "！", "？", "；")) else " "
        for part in _windows(sentence, cost, max_tokens):
            if run and cost(run + glue + part) > max_tokens:
                yield run.strip()
                run = glue = ""
            run += glue + part
            glue = ""
    if run.strip():
        yield run.strip()


def _windows(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Halves of halves until each fits; a single character is never cut."""
    if len(text) <= 1 or cost(text) <= max_tokens:
        if text.strip():
            yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", len(text) // 4, middle)
    cut = space + 1 if space > 0 else middle
    yield from _windows(text[:cut], cost, max_tokens)
    yield from _windows(text[cut:], cost, max_tokens)


def _normalised(content: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", content).split())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
