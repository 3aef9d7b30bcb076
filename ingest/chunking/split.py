"""Blocks → pieces that fit a chunk: short blocks share one, long ones are cut between lines, rows or clauses."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.chunking.blocks import Block
from ingest.chunking.budget import MIN_BUDGET_TOKENS, ChunkBudget
from ingest.chunking.inline_text import Line
from ingest.chunking.long_text import split_long_text
from ingest.chunking.tables import Row
from rag.types import PATH_SEPARATOR, ChunkKind

_FOOTNOTE = re.compile(r"\[\^[^\]\n]+\]: ")
_BACKTICKS = re.compile("`{3,}")
_MAX_LINES = 200  # blank lines take no tokens


@dataclass(frozen=True, slots=True)
class Piece:
    """The content of a future chunk. `block` is the number of its block in the section.

    `numbers` has the first and the last line of the file for each line of the content, (0, 0) if it is repeated from an
    earlier part of the block.
    """

    kind: ChunkKind
    block: int
    start_line: int
    end_line: int
    content: str
    numbers: tuple[tuple[int, int], ...]


def _piece(kind: ChunkKind, block: int, start_line: int, lines: Sequence[Line]) -> Piece:
    numbers = tuple((line.start_line, line.end_line) for line in lines for _ in range(line.text.count("\n") + 1))
    content = "\n".join(line.text for line in lines)
    return Piece(kind, block, start_line, max(line.end_line for line in lines), content, numbers)


def split_blocks(blocks: Sequence[Block], budget: ChunkBudget) -> Iterator[Piece]:
    """Yield the pieces of a section in reading order; a table shares no piece with other blocks."""
    together: list[Piece] = []
    for number, block in enumerate(blocks):
        if block.table:
            yield from _joined(together)
            together = []
            yield from _table_pieces(number, block, budget)
            continue
        piece = replace(
            _piece(block.kind, number, block.start_line, _block_lines(block, block.lines)), end_line=block.end_line
        )
        if together and not (_is_next(piece, together[-1]) and _fit_together([*together, piece], budget)):
            yield from _joined(together)
            together = []
        if _fit_together([piece], budget):
            together.append(piece)
        else:
            yield from _split_block(number, block, budget)
    yield from _joined(together)


def _is_next(piece: Piece, before: Piece) -> bool:
    """Return whether a piece stands behind another one in the file, too.

    Footnotes come from far below, and what is joined with them would cite all the lines in between.
    """
    gap = piece.start_line - before.end_line
    return 0 <= gap <= 2 if _FOOTNOTE.match(piece.content) else gap >= 0


def _fit_together(pieces: Sequence[Piece], budget: ChunkBudget) -> bool:
    contents = [piece.content for piece in pieces]
    return budget.fit_together(contents, lambda: "\n\n".join(contents))


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    if pieces:
        kinds = {piece.kind for piece in pieces}
        yield Piece(
            kinds.pop() if len(kinds) == 1 else "text",
            pieces[0].block,
            pieces[0].start_line,
            pieces[-1].end_line,
            "\n\n".join(piece.content for piece in pieces),
            tuple(number for piece in pieces for number in (*piece.numbers, piece.numbers[-1]))[:-1],
        )


def _block_text(block: Block, lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in _block_lines(block, lines))


def _block_lines(block: Block, lines: Sequence[Line]) -> list[Line]:
    """Return the lines under the caption and the list items that they belong to, and code between fences.

    What is repeated from an earlier part of the block has line 0.
    """
    is_first = lines[0].start_line == block.lines[0].start_line
    present = {line.text for line in lines}
    whole = [*(Line(above, 0, 0) for above in lines[0].ancestors if above not in present), *lines]
    if block.kind == "code":
        runs = (len(run) for line in lines for run in _BACKTICKS.findall(line.text))
        fence = "`" * max(3, 1 + max(runs, default=0))
        above = max(lines[0].start_line - 1, block.start_line) if is_first else 0
        below = block.end_line if lines[-1].end_line == block.lines[-1].end_line else 0
        whole = [Line(f"{fence}{block.fence}", above, above), *whole, Line(fence, below, below)]
    caption = block.start_line if is_first else 0
    return [Line(block.caption, caption, caption), *whole] if block.caption else whole


def _lines_fit(block: Block, lines: Sequence[Line], budget: ChunkBudget) -> bool:
    texts = [line.text for line in _block_lines(block, lines)]
    return budget.fit_together(texts, lambda: "\n".join(texts))


def _split_block(number: int, block: Block, budget: ChunkBudget) -> Iterator[Piece]:
    """Cut a block that is too long between its lines, and a line that is too long between its clauses."""
    start = block.start_line
    if block.caption and budget.cost(block.caption) > budget.tokens // 2:
        for part in split_long_text(block.caption, budget.total, budget.max_tokens):
            yield _piece("text", number, start, [Line(part, start, start)])
        block = replace(block, caption="")
    for position, run in enumerate(_even_runs(block, list(_short_lines(block, budget)), budget)):
        begins = run[0].start_line if position else start
        yield _piece(block.kind, number, begins, _block_lines(block, run))


def _even_runs(block: Block, lines: Sequence[Line], budget: ChunkBudget) -> list[list[Line]]:
    """Return the lines in as few runs as fit, all of about the same length: the last one would be a scrap."""
    runs = _runs(block, lines, budget, math.inf)
    if len(runs) > 1:
        total = sum(budget.cost(line.text) for line in lines)
        even = _runs(block, lines, budget, total / len(runs))
        runs = even if len(even) == len(runs) else runs
    return runs


def _runs(block: Block, lines: Sequence[Line], budget: ChunkBudget, share: float) -> list[list[Line]]:
    """Return runs of lines that fit; one that has `share` tokens is full."""
    runs: list[list[Line]] = []
    tokens = 0
    for line in lines:
        is_full = not runs or len(runs[-1]) >= _MAX_LINES or tokens >= share
        if is_full or not _lines_fit(block, [*runs[-1], line], budget):
            runs.append([])
            tokens = 0
        runs[-1].append(line)
        tokens += budget.cost(line.text)
    return runs


def _short_lines(block: Block, budget: ChunkBudget) -> Iterator[Line]:
    for line in block.lines:
        if _lines_fit(block, [line], budget):
            yield line
            continue
        framing = budget.cost(_block_text(block, [replace(line, text="")]))
        # If the list items above leave no room, they are dropped, not the text itself.
        room = budget.tokens - framing
        bare = line if room >= MIN_BUDGET_TOKENS else replace(line, ancestors=())

        def total(part: str, bare: Line = bare) -> int:
            return budget.total(_block_text(block, [replace(bare, text=part)]))

        place = 0
        for text in split_long_text(line.text, total, budget.max_tokens):
            place = line.text.index(text, place)
            yield bare.part(place, place + len(text))
            place += len(text)


def _table_pieces(number: int, block: Block, budget: ChunkBudget) -> Iterator[Piece]:
    table = block.table
    if table is None:
        return
    caption_left = block.caption
    if block.caption and budget.cost(block.caption) > budget.tokens // 3:
        block = replace(block, caption="")
    head = "\n".join(filter(None, (block.caption, table.head_as_markdown())))
    run: list[Row] = []

    def fit(*rows: Row) -> bool:
        lines = [head, *(row.as_markdown() for row in rows)]
        return budget.fit_together(lines, lambda: "\n".join(lines))

    def piece_of(rows: Sequence[Row]) -> Piece:
        is_first = rows[0] is table.rows[0]
        start = block.start_line if is_first else rows[0].line
        head_line = start if is_first else 0
        lines = [Line(head, head_line, head_line), *(Line(row.as_markdown(), row.line, row.end_line) for row in rows)]
        return _piece("table", number, start, lines)

    if caption_left and (not block.caption or not all(fit(row) for row in table.rows)):
        for part in split_long_text(caption_left, budget.total, budget.max_tokens):
            yield _piece("text", number, block.start_line, [Line(part, block.start_line, block.start_line)])
    for row in table.rows:
        if not fit(row):
            # Too long for a piece of the table: the pieces of the row, below, say the same.
            if run:
                yield piece_of(run)
            run = []
            continue
        if run and not fit(*run, row):
            yield piece_of(run)
            run = []
        run.append(row)
    if run:
        yield piece_of(run)
    for row in table.rows:
        for text in _row_texts(row, block.caption, budget):
            yield _piece("row", number, row.line, [Line(text, row.line, row.end_line)])


def _row_texts(row: Row, caption: str, budget: ChunkBudget) -> Iterator[str]:
    """Yield the row as one text or, if that is too long, cell by cell, each after the row's first cell."""
    caption = caption.rstrip(":：")
    text = row.as_text()
    whole = PATH_SEPARATOR.join(filter(None, (caption, text)))
    if budget.fit_together([caption, PATH_SEPARATOR, text] if caption else [text], lambda: whole):
        yield whole
        return
    if budget.fits(text):
        yield text
        return
    first, *others = row.fields()
    key = next(split_long_text(first, budget.cost, budget.tokens // 3))
    if key != first or not others:
        others = [first, *others]
    run: list[str] = []
    for field in others:
        for part in split_long_text(field, lambda part: budget.total(key + PATH_SEPARATOR + part), budget.max_tokens):
            if run and not budget.fits(PATH_SEPARATOR.join([key, *run, part])):
                yield PATH_SEPARATOR.join([key, *run])
                run = []
            run.append(part)
    if run:
        yield PATH_SEPARATOR.join([key, *run])
