"""Hits → passages: text that belongs together is read together.

A table is indexed row by row and as a whole, a long list or section in parts. A hit is one of these pieces; a person or
a chat model needs it in its context.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from rag.models.embedders.protocol import CountTokens
from rag.retrieval.joined_chunks import join_chunks
from rag.retrieval.lead_ins import asks_for_label, ends_in_lead
from rag.store.filters import All, AnyOf, Equals, Filter, Range
from rag.types import Chunk, Hit

_ASKS_FOR_ALL = re.compile(
    r"哪些|哪几|有什么|有啥|包括|包含|列出|列举|所有|全部|清单|分别|一共|几种|几个|几类|几层|"
    r"\b(?:which|list|all|what are|name the|kinds? of|types? of|how many|include[sd]?|contains?)\b",
    re.IGNORECASE,
)
_LED_CHUNKS = 3
"""At most this many chunks are read below a lead-in."""


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


def neighbour_filter(question: str, hits: Sequence[Hit], idf: Mapping[str, float]) -> Filter | None:
    """Return a filter for the chunks to read besides the hits, or None if there are none.

    They are the neighbours of each text, what stands below a lead-in and above a table, and the group of the best hit
    if the question asks for all of it. `idf` weighs the terms of the question.
    """
    wanted: list[Filter] = [
        All((Equals("source", chunk.source), Range("position", chunk.position - 1, chunk.position + _reach(chunk))))
        for chunk in (hit.chunk for hit in hits)
        if chunk.kind != "row"
    ]
    group = _wanted_group(question, hits, idf)
    if group:
        wanted.append(Equals("group_id", group))
    return AnyOf(tuple(wanted)) if wanted else None


def expand_hits(
    question: str,
    hits: Sequence[Hit],
    neighbours: Iterable[Chunk],
    *,
    idf: Mapping[str, float],
    count_tokens: CountTokens,
    max_tokens: int,
    max_passage_tokens: int,
) -> list[Hit]:
    """Return the hits as passages, best first, each text once, of at most `max_tokens` together.

    A text grows by its neighbours of the same section, up to `max_passage_tokens`, and a sentence by the list, table or
    code that it leads in to. If the question asks for all of the best hit's table or list, its other rows or parts
    follow it in reading order. `neighbours` are the chunks that `neighbour_filter` selects. A passage that does not fit
    is left out as a whole, except the best one.
    """
    found = {chunk.id: chunk for chunk in neighbours} | {hit.chunk.id: hit.chunk for hit in hits}
    blocks = {(chunk.source, chunk.position): chunk for chunk in found.values() if chunk.kind != "row"}
    passages: list[Hit] = []
    used: dict[str, Chunk] = {}
    left = max_tokens
    for hit in _with_group(hits, found.values(), _wanted_group(question, hits, idf)):
        if hit.chunk.id in used or any(is_row_of(hit.chunk, chunk) for chunk in used.values()):
            continue
        parts, tokens = _with_neighbours(hit.chunk, blocks, used, count_tokens, min(max_passage_tokens, left))
        if tokens <= left or not passages:
            left -= tokens
            used.update({part.id: part for part in parts})
            passages.append(replace(hit, chunk=join_chunks(parts)))
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


def _reach(chunk: Chunk) -> int:
    """Return how many positions below a chunk are read."""
    if ends_in_lead(chunk):
        return _LED_CHUNKS
    return 0 if chunk.kind == "table" else 1


def _wanted_group(question: str, hits: Sequence[Hit], idf: Mapping[str, float]) -> str:
    """Return the group of the best hit if the question asks for all of its table, list or code, else ""."""
    if not hits or hits[0].chunk.kind == "text":
        return ""
    asks_for_all = hits[0].chunk.kind != "code" and _ASKS_FOR_ALL.search(question)
    return hits[0].chunk.group if asks_for_all or asks_for_label(hits, idf) else ""


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
    blocks: Mapping[tuple[str, int], Chunk],
    used: Container[str],
    count_tokens: CountTokens,
    max_tokens: int,
) -> tuple[list[Chunk], int]:
    """Return the chunk with those after and before it in its section, as far as they fit, and their tokens.

    One on each side, and the rest of a list, table or code that one begins. The chunk alone may have more than
    `max_tokens`.
    """
    parts, tokens = [chunk], 0
    before = blocks.get((chunk.source, chunk.position - 1))
    steps = (-1, 1) if before and ends_in_lead(before) else (1, -1)
    for step in steps:
        while True:
            edge = parts[-1] if step > 0 else parts[0]
            neighbour = blocks.get((chunk.source, edge.position + step))
            is_rest = neighbour and edge is not chunk and neighbour.group == edge.group
            if not neighbour or neighbour.id in used or not (edge is chunk or is_rest):
                break
            above, below = (edge, neighbour) if step > 0 else (neighbour, edge)
            grown = [*parts, neighbour] if step > 0 else [neighbour, *parts]
            if not _belong_together(above, below):
                break
            grown_tokens = count_tokens(join_chunks(grown).searchable_text)
            if grown_tokens > max_tokens:
                break
            parts, tokens = grown, grown_tokens
    return parts, tokens or count_tokens(chunk.searchable_text)


def _belong_together(above: Chunk, below: Chunk) -> bool:
    """Return whether two neighbours are read together: of one section, and a table only with its lead-in."""
    if above.heading_path != below.heading_path:
        return False
    if below.kind == "table":
        return ends_in_lead(above) or above.group == below.group
    return above.kind != "table"
