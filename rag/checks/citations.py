"""Citation markers: remove those of passages that were not offered, and find the exact quote for each of the others."""

import math
import re
from collections.abc import Mapping, Sequence

from rag.document_url import passage_url
from rag.retrieval.evidence import Evidence
from rag.text.sentences import split_sentences
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Chunk, Citation, Passage

# [1], [1, 2], 【1】 and their full-width forms, with the white space before them. Every repetition has an upper bound,
# so that only a bounded amount of text is ever held back.
_MARKER = re.compile(r"[ \t]{0,8}[\[【［]\^?\s{0,2}(\d{1,4}(?:\s{0,2}[,，、;；]\s{0,2}\d{1,4}){0,49})\s{0,2}[\]】］]")
_MARKER_BEGINNING = re.compile(r"[ \t]{0,8}(?:[\[【［]\^?[\s\d,，、;；]*)?\Z")
_WHITE_SPACE = re.compile(r"[ \t]{0,8}\Z")
_MAX_MARKER_CHARACTERS = 8 + 2 + 2 + 4 + 49 * 9 + 3
MAX_QUOTE_CHARACTERS = 600
"""A quote for several statements that would be longer is reduced to the quote for the first of them."""
_NUMBER = re.compile(r"\[([0-9]{1,4})\]")


class MarkerFilter:
    """Passes streamed text on with every marker as ` [n]`, and without markers of passages that were not offered.

    `offered` are the numbers of the passages. Text that may be the beginning of a marker is held back, so that the
    result does not depend on how the text is split.
    """

    def __init__(self, offered: Sequence[int]) -> None:
        self._offered = frozenset(offered)
        self._buffer = ""
        self._last_character = ""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        text = self._buffer + text
        beginning = _MARKER_BEGINNING.search(text)
        if beginning is None or len(text) - beginning.start() > _MAX_MARKER_CHARACTERS:
            beginning = _WHITE_SPACE.search(text)
        cut = beginning.start() if beginning else len(text)
        self._buffer = text[cut:]
        return self._clean(text[:cut])

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        rest, self._buffer = self._buffer, ""
        return self._clean(rest)

    def _clean(self, text: str) -> str:
        clean = _MARKER.sub(self._replace, text)
        self._last_character = text[-1:] or self._last_character
        return clean

    def _replace(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        markers = "".join(f"[{number}]" for number in numbers if number in self._offered)
        if markers:
            return f" {markers}"
        before = match.string[match.start() - 1] if match.start() else self._last_character
        # The text on both sides must not join to a new marker.
        return " " if before in tuple("[0123456789") else ""


def cited_numbers(text: str) -> list[int]:
    """Return the numbers of the markers in a text that a MarkerFilter has passed, in order of appearance, each once."""
    return list(dict.fromkeys(int(number) for number in _NUMBER.findall(text)))


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
        if any(map(str.isalnum, _NUMBER.sub("", sentence))):
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
    spans = split_spans(chunk)
    quotes = [_nearest(spans, statement, idf).quote for statement in statements]
    start = min(chunk.content.index(quote) for quote in quotes)
    end = max(chunk.content.index(quote) + len(quote) for quote in quotes)
    return chunk.content[start:end] if end - start <= MAX_QUOTE_CHARACTERS else quotes[0]


def _nearest(spans: Sequence[Span], statement: str, idf: Mapping[str, float]) -> Span:
    terms = set(tokenize(_NUMBER.sub("", statement)))

    def overlap(span: Span) -> float:
        span_terms = set(tokenize(span.text))
        shared = sum(1 + idf.get(term, 0.0) for term in span_terms & terms)
        return shared / math.sqrt(1 + len(span_terms))

    return max(spans, key=overlap)
