"""Hits → passages: text that belongs together is read together.

A table is indexed row by row and as a whole, a long list or section in parts. A hit is one of these pieces; a person or
a chat model needs it in its context.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rag.models.embedders.protocol import CountTokens
from rag.store.filters import All, AnyOf, Equals, Filter, Range
from rag.types import Chunk, Hit

_ASKS_FOR_ALL = re.compile(
    r"哪些|哪几|有什么|有啥|包括|包含|列出|列举|所有|全部|清单|分别|一共|几种|几个|几类|几层|"
    r"\b(?:which|list|all|what are|name the|kinds? of|types? of|how many|include[sd]?|contains?)\b",
    re.IGNORECASE,
)
_TABLE_KINDS = ("row", "table")


def drop_overlaps(hits: Sequence[Hit]) -> tuple[list[Hit], dict[str, str]]:
    """Return the hits without those that repeat a better one, such as a row beside the part of the table that has it.

    The second value maps the id of each dropped hit to the id of the hit that says the same.
    """
    kept: list[Hit] = []
    repeated: dict[str, str] = {}
    kept_of_group: dict[str, list[Chunk]] = {}
    for hit in hits:
        better = kept_of_group.setdefault(hit.chunk.group, [])
        twin = next((chunk for chunk in better if is_row_of(hit.chunk, chunk) or is_row_of(chunk, hit.chunk)), None)
        if twin:
            repeated[hit.chunk.id] = twin.id
        else:
            kept.append(hit)
            better.append(hit.chunk)
    return kept, repeated


def neighbour_filter(question: str, hits: Sequence[Hit]) -> Filter | None:
    """Return a filter for the chunks to read besides the hits, or None if there are none.

    They are the neighbours of each text, and the group of the best hit if the question asks for all of it.
    """
    wanted: list[Filter] = [
        All((Equals("source", chunk.source), Range("position", chunk.position - 1, chunk.position + 1)))
        for chunk in (hit.chunk for hit in hits)
        if chunk.kind not in _TABLE_KINDS
    ]
    group = _wanted_group(question, hits)
    if group:
        wanted.append(Equals("group_id", group))
    return AnyOf(tuple(wanted)) if wanted else None


def expand_hits(
    question: str,
    hits: Sequence[Hit],
    neighbours: Iterable[Chunk],
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    max_passage_tokens: int,
) -> list[Hit]:
    """Return the hits as passages, best first, each text once, of at most `max_tokens` together.

    A text grows by its neighbours of the same section, up to `max_passage_tokens`. If the question asks for all of the
    best hit's table or list, its other rows or parts follow it in reading order. `neighbours` are the chunks that
    `neighbour_filter` selects. A passage that does not fit is left out as a whole, except the best one.
    """
    found = {chunk.id: chunk for chunk in neighbours} | {hit.chunk.id: hit.chunk for hit in hits}
    texts = {(chunk.source, chunk.position): chunk for chunk in found.values() if chunk.kind not in _TABLE_KINDS}
    passages: list[Hit] = []
    used: set[str] = set()
    left = max_tokens
    for hit in _with_group(hits, found.values(), _wanted_group(question, hits)):
        if hit.chunk.id in used:
            continue
        parts, tokens = _with_neighbours(hit.chunk, texts, used, count_tokens, min(max_passage_tokens, left))
        if tokens <= left or not passages:
            left -= tokens
            used.update(part.id for part in parts)
            passages.append(replace(hit, chunk=_joined(parts)))
    return passages


def is_row_of(row: Chunk, table: Chunk) -> bool:
    """Return whether `row` is a row of `table`, or of the part of a table that `table` is."""
    return (
        row.kind == "row"
        and table.kind == "table"
        and row.group == table.group
        and table.start_line <= row.start_line
        and row.end_line <= table.end_line
    )


def _wanted_group(question: str, hits: Sequence[Hit]) -> str:
    """Return the group of the best hit if the question asks for all of its table or list, else ""."""
    is_part = bool(hits) and hits[0].chunk.kind in (*_TABLE_KINDS, "list")
    return hits[0].chunk.group if is_part and _ASKS_FOR_ALL.search(question) else ""


def _with_group(hits: Sequence[Hit], found: Iterable[Chunk], group: str) -> list[Hit]:
    """Return the best hit, the rest of its group, then the other hits.

    A part of the group that is not a hit gets the score of the best hit. A table is given as its rows, each with its
    own line; they replace a best hit that is part of the table.
    """
    if not group:
        return list(hits)
    best = hits[0]
    members = sorted((chunk for chunk in found if chunk.group == group), key=lambda chunk: chunk.position)
    parts = [chunk for chunk in members if chunk.kind == "row"] or members
    hit_of = {hit.chunk.id: hit for hit in hits}
    together = [hit_of.get(chunk.id) or replace(best, chunk=chunk) for chunk in parts]
    together.sort(key=lambda hit: hit.chunk.id != best.chunk.id)
    return [*together, *(hit for hit in hits if hit.chunk.group != group)]


def _with_neighbours(
    chunk: Chunk,
    texts: Mapping[tuple[str, int], Chunk],
    used: set[str],
    count_tokens: CountTokens,
    max_tokens: int,
) -> tuple[list[Chunk], int]:
    """Return the chunk with the one after and the one before it in its section, as far as they fit, and their tokens.

    The chunk alone may have more than `max_tokens`.
    """
    parts, tokens = [chunk], 0
    for step in () if chunk.kind in _TABLE_KINDS else (1, -1):
        neighbour = texts.get((chunk.source, chunk.position + step))
        if not neighbour or neighbour.id in used or neighbour.heading_path != chunk.heading_path:
            continue
        grown = [*parts, neighbour] if step > 0 else [neighbour, *parts]
        grown_tokens = count_tokens(_joined(grown).searchable_text)
        if grown_tokens <= max_tokens:
            parts, tokens = grown, grown_tokens
    return parts, tokens or count_tokens(chunk.searchable_text)


def _joined(parts: Sequence[Chunk]) -> Chunk:
    """Return neighbouring chunks as one chunk, with the id of the first."""
    if len(parts) == 1:
        return parts[0]
    kinds = {part.kind for part in parts}
    return replace(
        parts[0],
        kind=kinds.pop() if len(kinds) == 1 else "text",
        end_line=parts[-1].end_line,
        content="\n\n".join(part.content for part in parts),
    )
