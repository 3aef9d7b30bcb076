"""How much is quoted around the span that matches best: a sentence alone seldom says all that a question asks.

A paragraph, a lead-in with what it leads in to, or code is quoted whole. Those around the best span follow until a
reader has enough; for "how do I" that is the section with its commands.
"""

from collections.abc import Mapping, Sequence, Set
from itertools import chain

from rag.retrieval.evidence import Evidence
from rag.text.likeness import name_terms
from rag.text.question_words import HOW_TO
from rag.text.spans import BlockSpans, Span
from rag.text.tokens import strip_question_words, tokenize

MAX_CHARACTERS = 700
"""A passage is quoted around its best span up to this length; a unit that is longer is quoted whole all the same."""
_TOLD = 0.75
"""A span that has this share of what the passages have of a question's words says all by itself."""


def tells_all(text: str, evidence: Evidence) -> bool:
    """Return whether a span needs nothing around it: it holds the question's words, as far as any passage does."""
    if HOW_TO.search(evidence.question):
        return False
    asked = _asked(evidence)
    held = frozenset(tokenize(text)) | name_terms(text)
    return sum(weight for term, weight in asked.items() if term in held) >= _TOLD * sum(asked.values()) > 0


def surroundings(blocks: Sequence[BlockSpans], best: Span, room: int = MAX_CHARACTERS) -> set[int]:
    """Return the starts of the spans to quote: those of the unit of the best span, and of units around it that fit.

    `blocks` are all of a passage, and `room` is in characters. The units below come before those above.
    """
    units = _units(blocks)
    number = next(at for at, unit in enumerate(units) if any(best in block.spans for block in unit))
    lengths = [sum(len(span.quote) for block in unit for span in block.spans) for unit in units]
    first, last, length = number, number, lengths[number]
    while last + 1 < len(units) and length + lengths[last + 1] <= room:
        last += 1
        length += lengths[last]
    while first > 0 and length + lengths[first - 1] <= room:
        first -= 1
        length += lengths[first]
    return {span.start for unit in units[first : last + 1] for block in unit for span in block.spans}


def _units(blocks: Sequence[BlockSpans]) -> list[list[BlockSpans]]:
    """Return the blocks in runs that are read together: what leads in, and what it leads in to."""
    units: list[list[BlockSpans]] = []
    for block in blocks:
        if units and block.lead:
            units[-1].append(block)
        else:
            units.append([block])
    return units


def _asked(evidence: Evidence) -> Mapping[str, float]:
    """Return the weights of the question's words that any of the passages has."""
    terms = name_terms(strip_question_words(evidence.question)) & evidence.idf.keys()
    texts = (passage.chunk.searchable_text for passage in evidence.passages)
    found: Set[str] = frozenset(chain.from_iterable(name_terms(text) for text in texts))
    return {term: evidence.idf[term] for term in terms & found}
