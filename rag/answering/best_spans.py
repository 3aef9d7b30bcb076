"""The spans that match a question best, as quotes: sentences, items, rows or code, with the sentence that leads in."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rag.answering.extent import best_units
from rag.answering.matching import Matcher, summary_penalty
from rag.answering.quotes import Quote
from rag.text.blocks import LIST_ITEM
from rag.text.likeness import stems
from rag.text.spans import BlockSpans, Span, split_block_spans
from rag.types import Passage

MAX_SENTENCES = 8
_SHORT_PARAGRAPH = 300
"""Characters of a paragraph that is quoted whole."""
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\](?!:)")
_TIE_RATIO = 0.95
"""A span of the same block belongs to the answer if it covers at least this much of what the best span covers: "what is
in layer two" matches every row of layer two equally."""
_MIN_COVERAGE = 0.15
"""If the best span covers less than this, its words do not tell which spans belong together. A lead-in that adds less
says nothing that the question asks for."""


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A span of a passage, the share of the question that it covers, and that plus the score of the passage."""

    passage: Passage
    kind: str
    span: Span
    coverage: float
    score: float


def score_spans(passages: Sequence[Passage], matcher: Matcher) -> list[ScoredSpan]:
    """Return all spans of the passages, in order."""
    scored = []
    for passage in passages:
        context = matcher.held(passage.chunk.context)
        for block in split_block_spans(passage.chunk):
            for span in block.spans:
                coverage = matcher.coverage(matcher.held(span.text) | context)
                score = passage.hit.score + matcher.share_of_held(coverage) + matcher.tells(span.text)
                score -= summary_penalty(span.text, passage)
                scored.append(ScoredSpan(passage, block.kind, span, coverage, score))
    return scored


def best_quotes(scored: Sequence[ScoredSpan], passages: Sequence[Passage], matcher: Matcher) -> list[Quote]:
    """Return the best span and the spans of its block that match the question equally well; `scored` is not empty.

    If a sentence among them leads in to a list, a table or code, all of that is quoted with it. If the best span does
    not tell all that is asked, it is the units that match best instead. Of these, the first is from a passage whose
    spans were scored; the others may be from any of the `passages`.
    """
    best = max(scored, key=lambda candidate: candidate.score)
    if matcher.tells_all(best.span.text):
        chosen = _with_what_belongs_to_them(_ties(best, scored), passages)
    else:
        leading = [passage for passage in passages if any(each.passage is passage for each in scored)]
        chosen = best_units(leading, passages, matcher)
    quoted = [passage for passage in passages if passage.number in chosen]
    return [quote for passage in quoted for quote in _quotes(passage, chosen[passage.number], matcher)]


def _ties(best: ScoredSpan, scored: Sequence[ScoredSpan]) -> dict[int, set[int]]:
    chosen: dict[int, set[int]] = {}
    sentences = 0
    for candidate in sorted(scored, key=lambda candidate: -candidate.score):
        if _belongs(candidate, best) and (candidate.kind != "text" or sentences < MAX_SENTENCES):
            sentences += candidate.kind == "text"
            chosen.setdefault(candidate.passage.number, set()).add(candidate.span.start)
    return chosen


def _with_what_belongs_to_them(chosen: dict[int, set[int]], passages: Sequence[Passage]) -> dict[int, set[int]]:
    """Return the spans with the other sentences of their paragraphs, if these are short, and the code below them.

    A sentence that has all words of the question may only state the case; the next one says what follows, or the code
    right below it shows it.
    """
    for passage in passages:
        starts = chosen.get(passage.number, set())
        blocks = split_block_spans(passage.chunk)
        for block, below in zip_longest(blocks, blocks[1:]):
            of_block = {span.start for span in block.spans}
            is_short = sum(len(span.quote) for span in block.spans) <= _SHORT_PARAGRAPH
            if block.kind == "text" and is_short and starts & of_block:
                starts |= of_block
                if below and below.kind == "code":
                    starts |= {span.start for span in below.spans}
    return chosen


def _belongs(candidate: ScoredSpan, best: ScoredSpan) -> bool:
    if candidate.passage.number == best.passage.number and candidate.coverage == best.coverage:
        return True  # the question does not tell the spans of the passage apart
    return (
        best.coverage >= _MIN_COVERAGE
        and candidate.passage.chunk.group_key == best.passage.chunk.group_key
        and candidate.coverage >= _TIE_RATIO * best.coverage
    )


def _quotes(passage: Passage, chosen: Collection[int], matcher: Matcher) -> list[Quote]:
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
            is_needed = block.lead and (block.kind == "code" or _adds(block.lead, spans, passage, matcher))
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


def _adds(lead: Span, spans: Sequence[Span], passage: Passage, matcher: Matcher) -> bool:
    """Return whether the items alone would not do: they lack words of the question, or only repeat it."""
    own = " ".join(span.text for span in spans)
    if stems(own) <= matcher.question_stems:
        return True
    above = matcher.held(own) | matcher.held(passage.chunk.context)
    gain = matcher.coverage(above | matcher.held(lead.text)) - matcher.coverage(above)
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
