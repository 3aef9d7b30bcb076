"""Citation markers: only those that were offered get through, and each leads to an exact quote."""

import math
import re
from collections.abc import Mapping, Sequence

from rag.document_url import passage_url
from rag.retrieval.evidence import Evidence
from rag.text.sentences import split_sentences
from rag.text.spans import Span, split_spans
from rag.text.tokens import tokenize
from rag.types import Chunk, Citation, Passage

# [1], [1, 2], 【1】 and their full-width forms, with the white space before them.
# Everything in them is bounded, so that what is held back is.
_MARKER = re.compile(r"[ \t]{0,8}[\[【［]\^?\s{0,2}(\d{1,4}(?:\s{0,2}[,，、;；]\s{0,2}\d{1,4}){0,49})\s{0,2}[\]】］]")
_MARKER_BEGINNING = re.compile(r"[ \t]{0,8}(?:[\[【［]\^?[\s\d,，、;；]*)?\Z")
_WHITE_SPACE = re.compile(r"[ \t]{0,8}\Z")
_MAX_HELD = 8 + 2 + 2 + 4 + 49 * 9 + 3
MAX_QUOTE_CHARACTERS = 600
_NUMBER = re.compile(r"\[([0-9]{1,4})\]")


class MarkerFilter:
    """Passes streamed text on with every marker as ` [n]`, and without the markers that were not offered.

    Text that may turn out to be a marker is held back until it is known, however it was split.
    """

    def __init__(self, offered: Sequence[int]) -> None:
        self._offered = frozenset(offered)
        self._held = ""
        self._last = ""

    def feed(self, text: str) -> str:
        """The part of everything fed so far that is now certain and was not returned before."""
        text = self._held + text
        beginning = _MARKER_BEGINNING.search(text)
        if beginning is None or len(text) - beginning.start() > _MAX_HELD:
            beginning = _WHITE_SPACE.search(text)
        cut = beginning.start() if beginning else len(text)
        self._held = text[cut:]
        return self._clean(text[:cut])

    def finish(self) -> str:
        """What was held back at the end of the stream."""
        held, self._held = self._held, ""
        return self._clean(held)

    def _clean(self, text: str) -> str:
        clean = _MARKER.sub(self._replace, text)
        self._last = text[-1:] or self._last
        return clean

    def _replace(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        kept = "".join(f"[{number}]" for number in numbers if number in self._offered)
        if kept:
            return f" {kept}"
        before = match.string[match.start() - 1] if match.start() else self._last
        # What stands on both sides must not grow together into a marker.
        return " " if before in tuple("[0123456789") else ""


def cited_numbers(text: str) -> list[int]:
    """The numbers of the markers in a cleaned text, in order of appearance, each once."""
    return list(dict.fromkeys(int(number) for number in _NUMBER.findall(text)))


def build_citations(text: str, evidence: Evidence) -> tuple[Citation, ...]:
    """A citation for each marker in a cleaned text; the quote spans the units nearest to the sentences that cite it."""
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
    """A run of the chunk's own text, word for word."""
    candidates = split_spans(chunk)
    quotes = [_nearest(candidates, statement, idf).quote for statement in statements]
    start = min(chunk.content.index(quote) for quote in quotes)
    end = max(chunk.content.index(quote) + len(quote) for quote in quotes)
    return chunk.content[start:end] if end - start <= MAX_QUOTE_CHARACTERS else quotes[0]


def _nearest(candidates: Sequence[Span], statement: str, idf: Mapping[str, float]) -> Span:
    said = set(tokenize(_NUMBER.sub("", statement)))

    def overlap(unit: Span) -> float:
        own = set(tokenize(unit.text))
        shared = sum(1 + idf.get(term, 0.0) for term in own & said)
        return shared / math.sqrt(1 + len(own))

    return max(candidates, key=overlap)
