"""Citations of an answer: each marker leads to a passage and to an exact quote from it."""

import math
from collections.abc import Mapping, Sequence, Set

from rag.checks.citation_markers import cited_numbers
from rag.document_url import passage_url
from rag.retrieval.evidence import Evidence
from rag.text.sentences import split_sentences
from rag.text.spans import Span, split_spans
from rag.text.statements import strip_markers
from rag.text.tokens import tokenize
from rag.types import Chunk, Citation, Passage

MAX_QUOTE_CHARACTERS = 600
"""A quote for several statements that would be longer is reduced to the quote for the first of them."""


def build_citations(text: str, evidence: Evidence) -> tuple[Citation, ...]:
    """Return a citation for each passage that a text cites, in order of appearance.

    The text must have passed a MarkerFilter. The quote of a citation is a part of the passage, word for word: the spans
    that are most similar to the sentences that cite it.
    """
    passages = {passage.number: passage for passage in evidence.passages}
    return tuple(_citation(passages[number], _statements(text, number), evidence.idf) for number in cited_numbers(text))


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


def _citation(passage: Passage, statements: Sequence[str], idf: Mapping[str, float]) -> Citation:
    chunk = passage.chunk
    return Citation(
        number=passage.number,
        source=chunk.source,
        heading_path=chunk.heading_path,
        anchor=chunk.anchor,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        quote=_quote(chunk, statements, idf),
        url=passage_url(chunk),
    )


def _quote(chunk: Chunk, statements: Sequence[str], idf: Mapping[str, float]) -> str:
    """Return the part of the chunk's text from the first to the last of the spans nearest to the statements."""
    spans = [(span, frozenset(tokenize(span.text))) for span in split_spans(chunk)]
    quotes = [_nearest(spans, statement, idf).quote for statement in statements]
    start = min(chunk.content.index(quote) for quote in quotes)
    end = max(chunk.content.index(quote) + len(quote) for quote in quotes)
    return chunk.content[start:end] if end - start <= MAX_QUOTE_CHARACTERS else quotes[0]


def _nearest(spans: Sequence[tuple[Span, Set[str]]], statement: str, idf: Mapping[str, float]) -> Span:
    """Return the span, given with its terms, that is most similar to the statement."""
    terms = set(tokenize(strip_markers(statement)))

    def overlap(candidate: tuple[Span, Set[str]]) -> float:
        _, span_terms = candidate
        shared = sum(1 + idf.get(term, 0.0) for term in span_terms & terms)
        return shared / math.sqrt(1 + len(span_terms))

    nearest, _ = max(spans, key=overlap)
    return nearest
