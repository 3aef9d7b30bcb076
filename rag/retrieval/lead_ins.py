"""Sentences that lead in to a list, a table or code, as far as retrieval has to know them."""

from collections.abc import Mapping, Sequence

from rag.text.blocks import leads_in
from rag.text.spans import split_block_spans
from rag.text.tokens import tokenize
from rag.types import PATH_SEPARATOR, Chunk, Hit

_MIN_SHARE = 0.15


def ends_in_lead(chunk: Chunk) -> bool:
    """Return whether a chunk ends with a sentence that leads in to what stands below it."""
    blocks = split_block_spans(chunk) if chunk.kind in ("text", "list") else []
    return bool(blocks) and blocks[-1].kind in ("text", "list") and leads_in(blocks[-1].spans[-1].quote)


def asks_for_label(hits: Sequence[Hit], idf: Mapping[str, float]) -> bool:
    """Return whether a question, given as the `idf` of its terms, is about the label of the best hit's block.

    That is the sentence above a list, a table or code, or the label that begins each row; the question asks for it if
    it matches that better than any single item or row.
    """
    label, items = _label(hits)
    covered = _weight(label, idf)
    return covered >= _MIN_SHARE * sum(idf.values()) > 0 and all(covered >= _weight(item, idf) for item in items)


def _label(hits: Sequence[Hit]) -> tuple[str, list[str]]:
    """Return the label of the best hit's block, or "", and its items without it."""
    best = hits[0].chunk
    if best.kind == "row":
        # A first cell without a header looks like a label, but no two rows share it.
        rows = [hit.chunk.content.partition(PATH_SEPARATOR) for hit in hits if hit.chunk.group == best.group]
        label, _, row = best.content.partition(PATH_SEPARATOR)
        is_label = ": " not in label and len(rows) > 1 and all(row[0] == label for row in rows)
        return (label, [row]) if is_label else ("", [])
    for block in split_block_spans(best):
        if block.lead:
            return block.lead.text, [span.text for span in block.spans]
    return "", []


def _weight(text: str, idf: Mapping[str, float]) -> float:
    return sum(idf.get(term, 0.0) for term in set(tokenize(text)))
