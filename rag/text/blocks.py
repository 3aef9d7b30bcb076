"""The content of a chunk as its blocks: paragraphs, lists, tables and code, each with the sentence that leads in to it.

The content is what the chunker wrote: blocks stand apart by a blank line, except that the label of a list, table or
code block stands right above it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["text", "list", "table", "code"]

FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)\Z")
LIST_ITEM = re.compile(r"(?P<indent>\s*)(?P<marker>[-*+]|\d{1,9}[.)])\s+(?P<text>.*)", re.DOTALL)
_RULER = "|---"
_LEADS_IN = re.compile(
    r"[:：][*_)）”」]*\Z"
    r"|(?:如下|见下|下列|下表|下面|下方|(?<![\d岁元度级人])以下)[^。！？]{0,8}[。.]?\Z"
    r"|\b(?:as follows|following\b[^.!?]{0,60})[.]?\Z"
    r"|\b(?:shown|listed|given|see|table|list|steps|code|example)\b[^.!?]{0,40}\bbelow[.]?\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `start` to `end` (exclusive) of a content. `is_attached`: no blank line separates it from the one above."""

    kind: BlockKind
    start: int
    end: int
    is_attached: bool


def leads_in(sentence: str) -> bool:
    """Return whether a sentence announces what stands below it, as one that ends with a colon or `as follows` does."""
    return bool(_LEADS_IN.search(sentence))


def split_blocks(lines: Sequence[str]) -> Iterator[Block]:
    """Yield the blocks of a content, given as its lines, in order. Every line that is not blank is in one of them."""
    position = 0
    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        kind = _kind(lines, position)
        end = _END[kind](lines, position)
        yield Block(kind, position, end, is_attached=position > 0 and bool(lines[position - 1].strip()))
        position = end


def end_of_fence(lines: Sequence[str], position: int) -> int:
    """Return the line after the code block that the fence at `position` opens."""
    opening = FENCE.match(lines[position])
    end = position + 1
    while opening and end < len(lines):
        closing = lines[end].strip()
        end += 1
        if closing.startswith(opening["mark"]) and not closing.strip(opening["mark"][0]):
            break
    return end


def _kind(lines: Sequence[str], position: int) -> BlockKind:
    if FENCE.match(lines[position]):
        return "code"
    if _is_table(lines, position):
        return "table"
    return "list" if LIST_ITEM.match(lines[position]) else "text"


def _is_table(lines: Sequence[str], position: int) -> bool:
    following = lines[position + 1 : position + 2]
    return lines[position].startswith("|") and bool(following) and following[0].startswith(_RULER)


def _end_of_table(lines: Sequence[str], position: int) -> int:
    while position < len(lines) and lines[position].startswith("|"):
        position += 1
    return position


def _end_of_text(lines: Sequence[str], position: int) -> int:
    position += 1
    while position < len(lines) and lines[position].strip() and _kind(lines, position) == "text":
        position += 1
    return position


def _end_of_list(lines: Sequence[str], position: int) -> int:
    """Return the line after a list. Lines that do not begin an item belong to the one above."""
    margin = len(lines[position]) - len(lines[position].lstrip())
    position += 1
    while position < len(lines):
        line = lines[position]
        is_inside = len(line) - len(line.lstrip()) > margin
        if FENCE.match(line):
            if not is_inside:
                break
            position = end_of_fence(lines, position)
        elif not line.strip():
            following = next((other for other in lines[position:] if other.strip()), "")
            if len(following) - len(following.lstrip()) <= margin:
                break
            position += 1
        elif _is_table(lines, position):
            break
        else:
            position += 1
    return position


_END = {"code": end_of_fence, "table": _end_of_table, "list": _end_of_list, "text": _end_of_text}
