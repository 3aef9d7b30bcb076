"""A chunk cut into the spans that an answer quotes: sentences, list items with what is below them, table rows, code."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from rag.text.blocks import LIST_ITEM, Block, BlockKind, leads_in, split_blocks
from rag.text.cjk import has_han
from rag.text.sentences import split_sentences
from rag.types import PATH_SEPARATOR, Chunk

_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a chunk. `text` can be read on its own; `quote` is the same part word for word as the chunk has it.

    `start` is where the quote begins in the content of the chunk, in characters.
    """

    text: str
    quote: str
    start: int

    @property
    def end(self) -> int:
        """Return where the quote ends, exclusive."""
        return self.start + len(self.quote)


@dataclass(frozen=True, slots=True)
class BlockSpans:
    """A paragraph, list, table or code block as its spans.

    `lead` is the sentence that leads in to a list, a table or code; it is a span of the block above. `head` is the
    header of a table with the ruler below it, in Markdown.
    """

    kind: BlockKind
    spans: tuple[Span, ...]
    lead: Span | None = None
    head: str = ""


def split_spans(chunk: Chunk) -> list[Span]:
    """Return the spans of a chunk in order; at least one unless the chunk is empty."""
    return [span for block in split_block_spans(chunk) for span in block.spans]


def split_block_spans(chunk: Chunk) -> list[BlockSpans]:
    """Return the blocks of a chunk in order, none of them without spans."""
    return list(_split(chunk.content, chunk.kind))


@lru_cache(maxsize=256)
def _split(content: str, chunk_kind: str) -> tuple[BlockSpans, ...]:
    lines = content.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found: list[BlockSpans] = []
    for block in split_blocks(lines):
        text = "\n".join(lines[block.start : block.end])
        spans = _SPANS[block.kind](text, starts[block.start])
        if spans:
            lead = _lead(block, found[-1]) if found else None
            head = "\n".join(lines[block.start : block.start + 2]) if block.kind == "table" else ""
            found.append(BlockSpans(block.kind, tuple(spans), lead, head))
    kinds = {block.kind for block in found}
    if chunk_kind == "row" or (chunk_kind in ("table", "code") and chunk_kind not in kinds) or not found:
        kind: BlockKind = "code" if chunk_kind == "code" else "table" if chunk_kind in ("table", "row") else "text"
        bare = content if kind != "text" else content.strip()
        return (BlockSpans(kind, (Span(bare, bare, content.index(bare)),)),) if content.strip() else ()
    return tuple(found)


def _lead(block: Block, above: BlockSpans) -> Span | None:
    if block.kind == "text" or above.kind not in ("text", "list"):
        return None
    sentence = above.spans[-1]
    return sentence if block.is_attached or leads_in(sentence.quote) else None


def _sentence_spans(text: str, start: int) -> list[Span]:
    spans: list[Span] = []
    position = 0
    for sentence in split_sentences(text):
        position = text.index(sentence, position)
        spans.append(Span(sentence, sentence, start + position))
        position += len(sentence)
    return spans


def _code_spans(text: str, start: int) -> list[Span]:
    return [Span(text, text, start)]


def _item_spans(text: str, start: int) -> list[Span]:
    items: list[list[str]] = []
    margin = len(text) - len(text.lstrip())
    for line in text.split("\n"):
        match = LIST_ITEM.match(line)
        if items and (not match or len(match["indent"]) > margin):
            items[-1].append(line)
        else:
            items.append([line])
    ends = accumulate(len("\n".join(lines)) + 1 for lines in items)
    starts = [start, *(start + end for end in ends)]
    return [
        Span(_item_text(lines), "\n".join(lines).rstrip(), begin) for lines, begin in zip(items, starts, strict=False)
    ]


def _item_text(lines: Sequence[str]) -> str:
    """`1. 数学` above `- 线性代数` and `- 概率统计` becomes `数学: 线性代数、概率统计`."""
    first, *below = [_without_marker(line) for line in lines if line.strip()] or [""]
    separator = "、" if has_han("".join(lines)) else ", "
    return f"{first}: {separator.join(below)}" if below else first


def _without_marker(line: str) -> str:
    match = LIST_ITEM.match(line.strip())
    return match["text"] if match else line.strip()


def _row_spans(text: str, start: int) -> list[Span]:
    header, ruler, *rows = text.split("\n")
    headers = _cells(header)
    start += len(header) + len(ruler) + 2
    spans = []
    for line in rows:
        pairs = zip(headers, _cells(line), strict=False)
        fields = [f"{header}: {cell}" if header else cell for header, cell in pairs if cell]
        spans.append(Span(PATH_SEPARATOR.join(fields), line, start))
        start += len(line) + 1
    return spans


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(line)[1:-1]]


_SPANS = {"text": _sentence_spans, "list": _item_spans, "table": _row_spans, "code": _code_spans}
