"""Passages of two documents that contradict each other: the same words with other numbers or values.

Both are shown with their documents and, if these have one, their dates.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.text.facts import find_latin_names, find_quantities
from rag.text.likeness import name_terms
from rag.text.spans import BlockSpans, Span, split_block_spans
from rag.text.tokens import strip_question_words
from rag.types import Chunk, Passage

_MIN_ALIKE = 0.6
"""Two sentences that share this part of their words, apart from numbers, say the same of the same thing."""
_DATE = re.compile(
    r"(?:自|从|截至)?\d{4}\s*年(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*日)?起?|\d{4}-\d{2}-\d{2}"
    r"|\b(?:since |on |from |in )?(?:\d{1,2} )?(?:january|february|march|april|may|june|july|august|september|october"
    r"|november|december)(?: \d{1,2},)? \d{4},?",
    re.IGNORECASE,
)
_DATES = ("date", "updated", "last_updated", "modified", "published", "日期", "更新")


@dataclass(frozen=True, slots=True)
class _Statement:
    passage: Passage
    block: BlockSpans
    span: Span


def add_contradictions(quotes: Sequence[Quote], evidence: Evidence) -> list[Quote]:
    """Return the quotes with the statements of other documents that contradict them, all marked as `disputed`.

    Only one quoted sentence is looked at, or one row: what a longer answer contradicts is no single fact.
    """
    if len(quotes) != 1 or len(quotes[0].spans) != 1 or quotes[0].block.kind not in ("text", "table"):
        return list(quotes)
    said = _Statement(quotes[0].passage, quotes[0].block, quotes[0].spans[0])
    asked = _values(evidence.question)
    others = [other for other in _statements(evidence) if _contradicts(said, other, asked)]
    if not others:
        return list(quotes)
    disputed = [quotes[0], *(Quote(other.passage, other.block, (other.span,)) for other in others)]
    return [replace(quote, disputed=True) for quote in sorted(disputed, key=lambda quote: quote.passage.number)]


def document_date(chunk: Chunk) -> str:
    """Return the date of a chunk's document from its front matter; "" if it has none."""
    return next((str(chunk.metadata[key])[:10] for key in _DATES if chunk.metadata.get(key)), "")


def _statements(evidence: Evidence) -> list[_Statement]:
    return [
        _Statement(passage, block, span)
        for passage in evidence.passages
        for block in split_block_spans(passage.chunk)
        if block.kind in ("text", "table")
        for span in block.spans
    ]


def _contradicts(one: _Statement, other: _Statement, asked: frozenset[tuple[str, ...]]) -> bool:
    """Return whether two documents state different values of the same thing; both have the values of the question."""
    document, other_document = one.passage.chunk, other.passage.chunk
    if (document.knowledge_base, document.source) == (other_document.knowledge_base, other_document.source):
        return False
    values, other_values = _values(one.span.text), _values(other.span.text)
    if len(values - other_values) != 1 or len(other_values - values) != 1 or not asked <= values & other_values:
        return False
    if _names(one.span.text) != _names(other.span.text):
        return False
    terms, other_terms = _words(one.span.text), _words(other.span.text)
    return len(terms & other_terms) >= _MIN_ALIKE * len(terms | other_terms) > 0


def _values(text: str) -> frozenset[tuple[str, ...]]:
    """Return the numbers of a text except for its dates: a rule may have changed on a day."""
    return frozenset(quantity.values for quantity in find_quantities(_without_dates(text)))


def _words(text: str) -> frozenset[str]:
    text = _without_dates(text)
    for quantity in find_quantities(text):
        text = text.replace(quantity.text, " ")
    return name_terms(strip_question_words(text))


def _names(text: str) -> frozenset[str]:
    return frozenset(find_latin_names(_without_dates(text)))


def _without_dates(text: str) -> str:
    return _DATE.sub(" ", text)
