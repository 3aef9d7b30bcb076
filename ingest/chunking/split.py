"""Blocks → pieces that fit a chunk: short blocks share one, long ones are cut between lines, rows or clauses."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.chunking.blocks import Block, Line
from ingest.chunking.budget import MIN_BUDGET_TOKENS, ChunkBudget
from ingest.chunking.long_text import split_long_text
from ingest.chunking.tables import Row
from rag.types import PATH_SEPARATOR, ChunkKind

_FOOTNOTE = re.compile(r"\[\^[^\]\n]+\]: ")
_BACKTICKS = re.compile("`{3,}")
_MAX_LINES = 200  # blank lines take no tokens


@dataclass(frozen=True, slots=True)
class Piece:
    """The content of a future chunk. `block` is the number of its block in the section."""

    kind: ChunkKind
    block: int
    start_line: int
    end_line: int
    content: str


def split_blocks(blocks: Sequence[Block], budget: ChunkBudget) -> Iterator[Piece]:
    """Yield the pieces of a section in reading order; a table shares no piece with other blocks."""
    together: list[Piece] = []
    for number, block in enumerate(blocks):
        if block.table:
            yield from _joined(together)
            together = []
            yield from _table_pieces(number, block, budget)
            continue
        piece = Piece(block.kind, number, block.start_line, block.end_line, _block_text(block, block.lines))
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
        )


def _block_text(block: Block, lines: Sequence[Line]) -> str:
    """Return the text of the lines under the caption and the list items that they belong to."""
    return "\n".join(_block_texts(block, lines))


def _block_texts(block: Block, lines: Sequence[Line]) -> list[str]:
    missing = [above for above in lines[0].ancestors if above not in {line.text for line in lines}]
    texts = [*missing, *(line.text for line in lines)]
    if block.kind == "code":
        fence = "`" * max(3, 1 + max((len(run) for text in texts for run in _BACKTICKS.findall(text)), default=0))
        texts = [f"{fence}{block.fence}", *texts, fence]
    return [block.caption, *texts] if block.caption else texts


def _lines_fit(block: Block, lines: Sequence[Line], budget: ChunkBudget) -> bool:
    texts = _block_texts(block, lines)
    return budget.fit_together(texts, lambda: "\n".join(texts))


def _split_block(number: int, block: Block, budget: ChunkBudget) -> Iterator[Piece]:
    """Cut a block that is too long between its lines, and a line that is too long between its clauses."""
    start = block.start_line
    if block.caption and budget.cost(block.caption) > budget.tokens // 2:
        for part in split_long_text(block.caption, budget.total, budget.max_tokens):
            yield Piece("text", number, start, start, part)
        block = replace(block, caption="")
    for position, run in enumerate(_even_runs(block, list(_short_lines(block, budget)), budget)):
        begins = run[0].start_line if position else start
        yield Piece(block.kind, number, begins, run[-1].end_line, _block_text(block, run))


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

        for part in split_long_text(line.text, total, budget.max_tokens):
            yield replace(bare, text=part)


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
        content = "\n".join([head, *(row.as_markdown() for row in rows)])
        start = block.start_line if rows[0] is table.rows[0] else rows[0].line
        return Piece("table", number, start, rows[-1].line, content)

    if caption_left and (not block.caption or not all(fit(row) for row in table.rows)):
        for part in split_long_text(caption_left, budget.total, budget.max_tokens):
            yield Piece("text", number, block.start_line, block.start_line, part)
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
            yield Piece("row", number, row.line, row.line, text)


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
