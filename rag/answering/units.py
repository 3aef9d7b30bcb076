"""A passage as its units: what is read together, such as a paragraph, or a lead-in with its list, table or code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rag.text.blocks import leads_in
from rag.text.cjk import has_han
from rag.text.spans import BlockSpans, split_block_spans
from rag.types import Passage

_MAX_LABEL = 40
_MAX_CHINESE_LABEL = 16
_SHORT_TABLE = 3
"""Rows of a table that is quoted whole."""
_SENTENCE_ENDS = "。！？.!?:："


@dataclass(frozen=True, slots=True)
class Unit:
    """Blocks of a passage that are quoted together. `has_steps`: one of them is a list, a table or code.

    `above` is what leads in to a row of a table that is a unit of its own, and the header.
    """

    passage: Passage
    blocks: tuple[BlockSpans, ...]
    above: str = ""

    @property
    def starts(self) -> frozenset[int]:
        """The starts of its spans."""
        return frozenset(span.start for block in self.blocks for span in block.spans)

    @property
    def text(self) -> str:
        """Its text, word for word, block by block."""
        return "\n".join(span.quote for block in self.blocks for span in block.spans)

    @property
    def is_row(self) -> bool:
        """Whether it is a row of a longer table."""
        return len(self.blocks) == 1 and self.blocks[0].kind == "table" and len(self.blocks[0].spans) == 1

    @property
    def is_label(self) -> bool:
        """Whether it is no more than a name, such as the title of a picture or a link to the next page."""
        return len(self.blocks) == 1 and _is_label(self.blocks[0])

    @property
    def has_steps(self) -> bool:
        """Whether one of its blocks is a list, a table or code."""
        return any(block.kind != "text" for block in self.blocks)


def split_units(passage: Passage) -> list[Unit]:
    """Return the units of a passage in order; the tabs of one place, each with its label, are one.

    Each row of a table of more than three rows is one.
    """
    runs: list[list[BlockSpans]] = []
    blocks = split_block_spans(passage.chunk)
    for block, below in zip_longest(blocks, blocks[1:]):
        if runs and _continues(runs[-1][-1], block, below):
            runs[-1].append(block)
        else:
            runs.append([block])
    return [unit for run in runs for unit in _units_of(passage, run)]


def _units_of(passage: Passage, run: Sequence[BlockSpans]) -> Iterator[Unit]:
    table = run[-1]
    if table.kind != "table" or len(table.spans) <= _SHORT_TABLE:
        yield Unit(passage, tuple(run))
        return
    before = run[:-1]
    above = "\n".join([*([table.lead.quote] if table.lead else []), table.head])
    if before and table.lead:
        spans = tuple(span for span in before[-1].spans if span != table.lead)
        before = [*before[:-1], *([replace(before[-1], spans=spans)] if spans else [])]
    if before:
        yield Unit(passage, tuple(before))
    for row in table.spans:
        yield Unit(passage, (replace(table, spans=(row,)),), above)


def _continues(above: BlockSpans, block: BlockSpans, below: BlockSpans | None) -> bool:
    if block.lead or (block.kind == "code" and above.kind == "text"):
        return True
    is_open = above.kind == "code" or (above.kind == "text" and leads_in(above.spans[-1].quote))
    return is_open and bool(below and below.lead) and _is_label(block)


def _is_label(block: BlockSpans) -> bool:
    """Return whether a text is the name of what stands below it, such as that of a file or a tab."""
    if block.kind != "text" or len(block.spans) > 1:
        return False
    text = block.spans[0].quote
    return len(text) <= (_MAX_CHINESE_LABEL if has_han(text) else _MAX_LABEL) and text[-1] not in _SENTENCE_ENDS
