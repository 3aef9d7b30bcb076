"""Neighbouring chunks as one, as if they had never been cut."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rag.text.blocks import FENCE, LIST_ITEM
from rag.text.content_lines import repeated_lines
from rag.types import Chunk


def join_chunks(parts: Sequence[Chunk]) -> Chunk:
    """Return neighbouring chunks, in reading order, as one chunk with the id of the first.

    What the chunker repeats above each part of a long list, table or code stands there only once.
    """
    if len(parts) == 1:
        return parts[0]
    kinds = {part.kind for part in parts}
    joined = parts[0]
    for before, part in pairwise(parts):
        joined = _append(joined, before, part)
    return replace(joined, kind=kinds.pop() if len(kinds) == 1 else "text", end_line=parts[-1].end_line)


def _append(joined: Chunk, before: Chunk, part: Chunk) -> Chunk:
    content, numbers = joined.content, joined.line_numbers.split()
    lines, more_numbers = part.content.split("\n"), part.line_numbers.split()
    repeated, is_cut = _repetition(before, part)
    if not is_cut:
        # The blank line between the two belongs to the one above.
        return _with(joined, f"{content}\n\n{part.content}", [*numbers, *numbers[-1:], *more_numbers])
    above, _, last = content.rpartition("\n")
    ends_with_fence = part.kind == "code" and bool(FENCE.match(last))
    whole_above = above if ends_with_fence else content
    kept_numbers = numbers[:-1] if ends_with_fence else numbers
    return _with(joined, "\n".join([whole_above, *lines[repeated:]]), [*kept_numbers, *more_numbers[repeated:]])


def _with(chunk: Chunk, content: str, numbers: Sequence[str]) -> Chunk:
    is_known = len(numbers) == content.count("\n") + 1
    return replace(chunk, content=content, line_numbers=" ".join(numbers) if is_known else "")


def _repetition(before: Chunk, part: Chunk) -> tuple[int, bool]:
    """Return how many lines a part repeats, and whether the two were one block before they were cut."""
    if part.group != before.group or part.kind != before.kind or part.kind == "text":
        return 0, False
    lines = part.content.split("\n")
    is_labelled = not LIST_ITEM.match(lines[0]) and before.content.startswith(f"{lines[0]}\n")
    repeated = repeated_lines(part) or int(is_labelled and part.kind == "list")
    return repeated, bool(repeated) or part.kind == "list"
