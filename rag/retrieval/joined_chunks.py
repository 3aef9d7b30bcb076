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
    content = parts[0].content
    for before, part in pairwise(parts):
        content = _append(content, before, part)
    return replace(
        parts[0],
        kind=kinds.pop() if len(kinds) == 1 else "text",
        end_line=parts[-1].end_line,
        content=content,
    )


def _append(content: str, before: Chunk, part: Chunk) -> str:
    if part.group != before.group or part.kind != before.kind or part.kind == "text":
        return f"{content}\n\n{part.content}"
    lines = part.content.split("\n")
    is_labelled = not LIST_ITEM.match(lines[0]) and before.content.startswith(f"{lines[0]}\n")
    repeated = repeated_lines(part) or int(is_labelled and part.kind == "list")
    if not repeated and part.kind != "list":
        return f"{content}\n\n{part.content}"
    above, _, last = content.rpartition("\n")
    whole_above = above if part.kind == "code" and FENCE.match(last) else content
    return "\n".join([whole_above, *lines[repeated:]])
