"""A chunk cut into the spans that an answer quotes: a sentence, a list item with what is below it, a table row."""

import re
from dataclasses import dataclass

from rag.text.cjk import has_han
from rag.text.sentences import split_sentences
from rag.types import PATH_SEPARATOR, Chunk

_CODE_BLOCK = re.compile(r"(```.*?(?:```|\Z))", re.DOTALL)
_LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s+(?P<text>.*)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a chunk. `text` can be read on its own; `quote` is the same part word for word as the chunk has it."""

    text: str
    quote: str


def split_spans(chunk: Chunk) -> list[Span]:
    """Return the spans of a chunk in order; at least one unless the chunk is empty."""
    if chunk.kind in ("row", "code"):
        return [Span(chunk.content, chunk.content)]
    if chunk.kind == "table":
        return _table_spans(chunk.content)
    if chunk.kind == "list":
        return _list_spans(chunk.content)
    return _text_spans(chunk.content)


def _text_spans(content: str) -> list[Span]:
    quotes: list[str] = []
    for part in _CODE_BLOCK.split(content):
        quotes += [part] if part.startswith("```") else split_sentences(part)
    if not quotes and content.strip():
        quotes = [content.strip()]
    return [Span(quote, quote) for quote in quotes]


def _list_spans(content: str) -> list[Span]:
    items: list[list[str]] = []
    for line in content.split("\n"):
        if items and (line.startswith(" ") or not _LIST_ITEM.match(line)):
            items[-1].append(line)
        else:
            items.append([line])
    return [Span(_item_text(lines), "\n".join(lines).rstrip()) for lines in items]


def _item_text(lines: list[str]) -> str:
    """`1. 数学` above `- 线性代数` and `- 概率统计` becomes `数学: 线性代数、概率统计`."""
    first, *below = [_without_marker(line) for line in lines if line.strip()] or [""]
    separator = "、" if has_han("".join(lines)) else ", "
    return f"{first}: {separator.join(below)}" if below else first


def _without_marker(line: str) -> str:
    match = _LIST_ITEM.match(line.strip())
    return match["text"] if match else line.strip()


def _table_spans(content: str) -> list[Span]:
    lines = content.split("\n")
    ruler = next((number for number, line in enumerate(lines) if line.startswith("|---")), None)
    if not ruler:
        return [Span(content, content)]
    headers = _cells(lines[ruler - 1])
    spans = []
    for line in lines[ruler + 1 :]:
        pairs = zip(headers, _cells(line), strict=False)
        fields = [f"{header}: {cell}" if header else cell for header, cell in pairs if cell]
        spans.append(Span(PATH_SEPARATOR.join(fields), line))
    return spans


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(line)[1:-1]]
