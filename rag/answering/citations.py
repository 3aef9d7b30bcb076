"""Citations of an answer: each marker leads to a passage and to an exact quote from it."""

import math
from collections.abc import Mapping, Sequence, Set

from rag.answering.quotes import Quote
from rag.checks.citation_markers import cited_numbers
from rag.document_url import document_url
from rag.retrieval.evidence import Evidence
from rag.text.content_lines import file_lines
from rag.text.markers import strip_markers
from rag.text.sentences import split_sentences
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Citation, Passage

MAX_QUOTE_CHARACTERS = 600
"""A quote for several statements that would be longer is reduced to the quote for the first of them."""


def build_citations(text: str, evidence: Evidence) -> tuple[Citation, ...]:
    """Return a citation for each passage that a text cites, in order of appearance.

    The text must have passed a MarkerFilter. The quote of a citation is a part of the passage, word for word: the spans
    that are most similar to the sentences that cite it. Its lines are those of the spans.
    """
    passages = {passage.number: passage for passage in evidence.passages}
    return tuple(
        _citation(passages[number], _nearest_spans(passages[number], _statements(text, number), evidence.idf))
        for number in cited_numbers(text)
    )


def cite_quotes(quotes: Sequence[Quote]) -> tuple[Citation, ...]:
    """Return a citation for each passage that is quoted, in order of appearance, with the spans that are quoted."""
    spans: dict[int, list[Span]] = {}
    for quote in quotes:
        spans.setdefault(quote.passage.number, []).extend([*([quote.lead] if quote.lead else []), *quote.spans])
    passages = {quote.passage.number: quote.passage for quote in quotes}
    return tuple(_citation(passages[number], quoted) for number, quoted in spans.items())


def _statements(text: str, number: int) -> list[str]:
    """The sentences that carry the marker; one on a line of its own belongs to the sentence before it."""
    statements = []
    said = ""
    for sentence in split_sentences(text):
        if any(map(str.isalnum, strip_markers(sentence))):
            said = sentence
        if f"[{number}]" in sentence:
            statements.append(said)
    return statements


def _citation(passage: Passage, spans: Sequence[Span]) -> Citation:
    """Return the citation of the part of a passage from the first to the last of the spans."""
    chunk = passage.chunk
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    lines = file_lines(chunk, start, end)
    return Citation(
        number=passage.number,
        source=chunk.source,
        heading_path=chunk.heading_path,
        anchor=chunk.anchor,
        start_line=lines[0],
        end_line=lines[-1],
        quote=chunk.content[start:end] if end - start <= MAX_QUOTE_CHARACTERS else spans[0].quote,
        url=document_url(chunk.source, lines, chunk.knowledge_base),
        knowledge_base=chunk.knowledge_base,
    )


def _nearest_spans(passage: Passage, statements: Sequence[str], idf: Mapping[str, float]) -> list[Span]:
    spans = [(span, frozenset(tokenize(span.text))) for span in split_spans(passage.chunk)]
    return [_nearest(spans, statement, idf) for statement in statements]


def _nearest(spans: Sequence[tuple[Span, Set[str]]], statement: str, idf: Mapping[str, float]) -> Span:
    """Return the span, given with its terms, that is most similar to the statement."""
    terms = set(tokenize(strip_markers(statement)))

    def overlap(candidate: tuple[Span, Set[str]]) -> float:
        _, span_terms = candidate
        shared = sum(1 + idf.get(term, 0.0) for term in span_terms & terms)
        return shared / math.sqrt(1 + len(span_terms))

    nearest, _ = max(spans, key=overlap)
    return nearest
