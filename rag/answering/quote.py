"""Answer without a chat model: quote the best sentences, list items, table rows or code, each with its citation."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from rag.retrieval.evidence import Evidence
from rag.text.blocks import LIST_ITEM
from rag.text.spans import BlockSpans, Span, split_block_spans
from rag.text.tokens import tokenize
from rag.types import Passage

EXTRACTIVE = "extractive"
"""The `model` of an answer that is quoted from the documents."""

MAX_SENTENCES = 8
MAX_ITEMS = 30
"""The most items of one list, and rows of one table, that an answer quotes."""
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\](?!:)")
_TIE_RATIO = 0.95
"""A span of the same block belongs to the answer if it covers at least this much of what the best span covers: "what is
in layer two" matches every row of layer two equally."""
_MIN_COVERAGE = 0.15
"""If the best span covers less than this, its words do not tell which spans belong together. A lead-in that adds less
says nothing that the question asks for."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Spans of one block of a passage, in reading order.

    `lead` is the sentence that leads in to them, if the answer needs it. If `continues`, the marker of an earlier lead
    in the same passage holds for them. If `is_part`, they are the next part of the list, table or code that the quote
    before has. `left_out` is the number of items or rows after them that were too many.
    """

    passage: Passage
    block: BlockSpans
    spans: tuple[Span, ...]
    lead: Span | None = None
    continues: bool = False
    is_part: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _ScoredSpan:
    passage: Passage
    kind: str
    span: Span
    coverage: float
    score: float


def choose_quotes(evidence: Evidence) -> list[Quote]:
    """Return the best span with its passage, and the spans of its block that match the question equally well.

    If a sentence among them leads in to a list, a table or code, all of that is quoted with it. They are in reading
    order, at most `MAX_SENTENCES` sentences and `MAX_ITEMS` items of each list.
    """
    scored = _score(evidence)
    if not scored:
        return []
    best = max(scored, key=lambda candidate: candidate.score)
    chosen: dict[int, set[int]] = {}
    sentences = 0
    for candidate in sorted(scored, key=lambda candidate: -candidate.score):
        if _belongs(candidate, best) and (candidate.kind != "text" or sentences < MAX_SENTENCES):
            sentences += candidate.kind == "text"
            chosen.setdefault(candidate.passage.number, set()).add(candidate.span.start)
    passages = sorted(
        (passage for passage in evidence.passages if passage.number in chosen),
        key=lambda passage: passage.chunk.position,
    )
    quotes = [quote for passage in passages for quote in _quotes(passage, chosen[passage.number], evidence)]
    return _without_excess(_without_repeated_leads(quotes))


def _belongs(candidate: _ScoredSpan, best: _ScoredSpan) -> bool:
    if candidate.passage.number == best.passage.number and candidate.coverage == best.coverage:
        return True  # the question does not tell the spans of the passage apart
    return (
        best.coverage >= _MIN_COVERAGE
        and candidate.passage.chunk.group == best.passage.chunk.group
        and candidate.coverage >= _TIE_RATIO * best.coverage
    )


def _score(evidence: Evidence) -> list[_ScoredSpan]:
    scored = []
    for passage in evidence.passages:
        context = frozenset(tokenize(passage.chunk.context))
        for block in split_block_spans(passage.chunk):
            for span in block.spans:
                coverage = _coverage(frozenset(tokenize(span.text)) | context, evidence)
                scored.append(_ScoredSpan(passage, block.kind, span, coverage, passage.hit.score + coverage))
    return scored


def _coverage(terms: Set[str], evidence: Evidence) -> float:
    """Return the share (0..1) of the question's terms, each weighted by its idf, that is in `terms`."""
    total = sum(evidence.idf.values()) or 1.0
    return sum(weight for term, weight in evidence.idf.items() if term in terms) / total


def _quotes(passage: Passage, chosen: Collection[int], evidence: Evidence) -> list[Quote]:
    """Return the quotes from a passage; `chosen` has the starts of the spans that answer the question."""
    blocks = split_block_spans(passage.chunk)
    chosen = {*chosen, *_footnotes(blocks, chosen)}
    quotes: list[Quote] = []
    announced_until = 0
    for number, block in enumerate(blocks):
        if number < announced_until:
            quotes.append(Quote(passage, block, block.spans, continues=True))
        elif block.lead and block.lead.start in chosen:
            announced_until = _end_of_list(blocks, number)
            quotes.append(Quote(passage, block, block.spans, block.lead))
        elif spans := tuple(span for span in block.spans if span.start in chosen):
            is_needed = block.lead and (block.kind == "code" or _adds(block.lead, spans, passage, evidence))
            quotes.append(Quote(passage, block, spans, block.lead if is_needed else None))
    leads = {quote.lead.start for quote in quotes if quote.lead}
    bare = [replace(quote, spans=tuple(span for span in quote.spans if span.start not in leads)) for quote in quotes]
    return [quote for quote in bare if quote.spans]


def _footnotes(blocks: Sequence[BlockSpans], chosen: Collection[int]) -> Iterator[int]:
    """Yield the starts of the footnotes that chosen spans refer to: `[^1]` is answered by `[^1]: …`."""
    spans = (span for block in blocks for span in block.spans if span.start in chosen)
    labels = tuple(f"{label}:" for span in spans for label in _FOOTNOTE.findall(span.quote))
    for block in blocks:
        if labels and block.spans[0].quote.startswith(labels):
            yield from (span.start for span in block.spans)


def _adds(lead: Span, spans: Sequence[Span], passage: Passage, evidence: Evidence) -> bool:
    """Return whether the items alone would not do: they lack words of the question, or only repeat it."""
    own = frozenset(tokenize(" ".join(span.text for span in spans)))
    if own <= frozenset(tokenize(evidence.question)):
        return True
    terms = own | frozenset(tokenize(passage.chunk.context))
    gain = _coverage(terms | frozenset(tokenize(lead.text)), evidence) - _coverage(terms, evidence)
    return gain >= _MIN_COVERAGE


def _end_of_list(blocks: Sequence[BlockSpans], number: int) -> int:
    """Return the number after the last block of a list; code or paragraphs may stand between its numbered items."""
    end = number + 1
    last = _number_of(blocks[number].spans[-1])
    for position in range(end, len(blocks)):
        block = blocks[position]
        if block.kind == "list" and last and _number_of(block.spans[0]) == last + 1:
            end, last = position + 1, _number_of(block.spans[-1])
    return end


def _number_of(item: Span) -> int:
    match = LIST_ITEM.match(item.quote)
    return int(match["marker"][:-1] or 0) if match else 0


def _without_repeated_leads(quotes: Sequence[Quote]) -> Iterator[Quote]:
    """Yield the quotes, a lead-in that stands above each part of a long list only with the first part."""
    before: Quote | None = None
    for quote in quotes:
        is_same = before and before.lead and quote.lead and before.lead.quote == quote.lead.quote
        is_part = is_same and before and before.passage.chunk.group == quote.passage.chunk.group
        yield replace(quote, lead=None, is_part=True) if is_part else quote
        before = before if is_part else quote


def _without_excess(quotes: Iterator[Quote]) -> list[Quote]:
    kept: list[Quote] = []
    taken = Counter[tuple[str, int]]()
    for quote in quotes:
        if quote.block.kind not in ("list", "table"):
            kept.append(quote)
            continue
        # Each row of a table may be a passage of its own.
        chunk = quote.passage.chunk
        key = (chunk.group, -1 if chunk.kind == "row" else quote.block.spans[0].start)
        spans = quote.spans[: MAX_ITEMS - taken[key]]
        taken[key] += len(spans)
        if spans:
            kept.append(replace(quote, spans=spans))
        kept[-1] = replace(kept[-1], left_out=kept[-1].left_out + len(quote.spans) - len(spans))
    return kept
