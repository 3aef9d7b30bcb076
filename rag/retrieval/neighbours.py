"""Hits → passages: text that belongs together is read together.

A table is indexed row by row and as a whole, a long list or section in parts. A hit is one of these pieces; a person or
a chat model needs it in its context.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from rag.models.embedders.protocol import CountTokens
from rag.retrieval.joined_chunks import join_chunks
from rag.retrieval.lead_ins import asks_for_label, ends_in_lead
from rag.store.neighbourhood import Neighbourhood, Window
from rag.text.question_form import read_form
from rag.types import Chunk, Hit

_GROUPS = 3
_GROUP_HITS = 6
_NEAR = 0.5
"""At most this many tables, lists and code blocks, of this many hits, are read whole: those of at least this
share of the best score."""
_Place = tuple[str, str, int]
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
        better = kept_of_group.setdefault(hit.chunk.group_key, [])
        twin = next((chunk for chunk in better if is_row_of(hit.chunk, chunk) or is_row_of(chunk, hit.chunk)), None)
        if twin:
            repeated[hit.chunk.id] = twin.id
        else:
            kept.append(hit)
            better.append(hit.chunk)
    return kept, repeated


def neighbourhood_of(question: str, hits: Sequence[Hit], idf: Mapping[str, float]) -> Neighbourhood:
    """Return the chunks to read besides the hits.

    They are the neighbours of each text, what stands below a lead-in and above a table, and the groups of the best hits
    if the question may need all of them. `idf` weighs the terms of the question.
    """
    windows = tuple(
        Window(chunk.knowledge_base, chunk.source, chunk.position - 1, chunk.position + _reach(chunk))
        for chunk in (hit.chunk for hit in hits)
        if chunk.kind != "row"
    )
    return Neighbourhood(windows, tuple(_wanted_groups(question, hits, idf)))


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
    code that it leads in to. If the question may need all of a hit's table or list, its other rows or parts follow it
    in reading order. `neighbours` are the chunks of `neighbourhood_of`. A passage that does not fit is left out as a
    whole, except the best one.
    """
    chunks = [*neighbours, *(hit.chunk for hit in hits)]
    found = {(chunk.knowledge_base, chunk.id): chunk for chunk in chunks}
    blocks = {_place(chunk): chunk for chunk in found.values() if chunk.kind != "row"}
    groups = _wanted_groups(question, hits, idf)
    passages: list[Hit] = []
    used: dict[str, Chunk] = {}
    left = max_tokens
    for hit in _with_groups(hits, found.values(), groups):
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
        and row.group_key == table.group_key
        and table.start_line <= row.start_line
        and row.end_line <= table.end_line
    )


def _reach(chunk: Chunk) -> int:
    """Return how many positions below a chunk are read."""
    if ends_in_lead(chunk):
        return _LED_CHUNKS
    return 0 if chunk.kind == "table" else 1


def _place(chunk: Chunk, step: int = 0) -> _Place:
    """Return where a chunk, or the one so many positions below it, stands."""
    return chunk.knowledge_base, chunk.source, chunk.position + step


def _wanted_groups(question: str, hits: Sequence[Hit], idf: Mapping[str, float]) -> list[str]:
    """Return the groups of the best hits that the answer may need whole: a table to compare in, a list to count in."""
    if read_form(question).wants_group:
        near = [hit for hit in hits[:_GROUP_HITS] if hit.score >= _NEAR * hits[0].score]
        groups = (hit.chunk.group_key for hit in near if hit.chunk.kind not in ("text", "code"))
        return list(dict.fromkeys(groups))[:_GROUPS]
    is_labelled = hits and hits[0].chunk.kind != "text" and asks_for_label(hits, idf)
    return [hits[0].chunk.group_key] if is_labelled else []


def _with_groups(hits: Sequence[Hit], found: Iterable[Chunk], groups: Sequence[str]) -> list[Hit]:
    """Return the hits, each followed by the rest of its group if that is wanted.

    A part of the group that is not a hit gets the score of the group's best hit and the lowest cosine. A table is given
    as its rows, each with its own line; they replace hits that are parts of the table.
    """
    members: dict[str, list[Chunk]] = {group: [] for group in groups}
    for chunk in sorted(found, key=lambda chunk: chunk.position):
        if chunk.group_key in members:
            members[chunk.group_key].append(chunk)
    hit_of = {hit.chunk.id: hit for hit in hits}
    lowest = min((hit.cosine for hit in hits), default=0.0)
    expanded: list[Hit] = []
    for hit in hits:
        if hit.chunk.group_key not in members:
            expanded.append(hit)
            continue
        chunks = members[hit.chunk.group_key]
        parts = [chunk for chunk in chunks if chunk.kind == "row"] or chunks
        together = [hit_of.get(chunk.id) or replace(hit, chunk=chunk, cosine=lowest) for chunk in parts]
        expanded += sorted(together, key=lambda other: other.chunk.id != hit.chunk.id)
        members[hit.chunk.group_key] = []
    return expanded


def _with_neighbours(
    chunk: Chunk,
    blocks: Mapping[_Place, Chunk],
    used: Container[str],
    count_tokens: CountTokens,
    max_tokens: int,
) -> tuple[list[Chunk], int]:
    """Return the chunk with those after and before it in its section, as far as they fit, and their tokens.

    One on each side, and the rest of a list, table or code that one begins. The chunk alone may have more than
    `max_tokens`.
    """
    parts, tokens = [chunk], 0
    before = blocks.get(_place(chunk, -1))
    steps = (-1, 1) if before and ends_in_lead(before) else (1, -1)
    for step in steps:
        while True:
            edge = parts[-1] if step > 0 else parts[0]
            neighbour = blocks.get(_place(edge, step))
            is_rest = neighbour and edge is not chunk and neighbour.group_key == edge.group_key
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
        return ends_in_lead(above) or above.group_key == below.group_key
    return above.kind not in ("table", "row")
