"""A whole answer of quotes: each part of the question by itself, and what the documents do not say, by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.answering.coverage import judge_quotes
from rag.answering.notices import NOTICES
from rag.answering.quote import choose_quotes
from rag.answering.quote_markdown import write_quotes
from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.types import Passage

_TOLD_ODDS = 19
"""How many times more likely an answer is if the quotes hold all that is asked: with .05 before, one in two."""


@dataclass(frozen=True, slots=True)
class QuotedAnswer:
    """The quotes for each part of a question that the documents answer, and the parts that they do not.

    What one part quotes answers the next one, too, if that has no quotes of its own.
    """

    answered: tuple[tuple[Quote, ...], ...]
    missing: tuple[str, ...] = ()

    @property
    def quotes(self) -> list[Quote]:
        """All quotes in order."""
        return [quote for quotes in self.answered for quote in quotes]

    @property
    def characters(self) -> int:
        """The length of all that is quoted."""
        return sum(len(span.quote) for quote in self.quotes for span in quote.spans)


def quote_answer(evidence: Evidence, *, min_evidence: float) -> QuotedAnswer | None:
    """Return the quotes that answer the question, or None if the documents answer no part of it.

    A part is answered if its probability is at least `min_evidence` (0..1) and its quotes lack nothing that it asks
    for, or if the quotes hold all that it asks for.
    """
    parts = evidence.parts or (evidence,)
    quoted = [(part, _quotes(part, min_evidence)) for part in parts]
    answered = tuple(_without_repeated_parts([quotes for _, quotes in quoted if quotes]))
    missing = tuple(part.question for part, quotes in quoted if not quotes)
    return QuotedAnswer(answered, missing) if answered else None


def number_in_order(answer: QuotedAnswer, evidence: Evidence) -> tuple[QuotedAnswer, Evidence]:
    """Return both with the rows of a table in reading order and new numbers for the passages, which ascend in the text.

    Only for passages that no reader has seen yet.
    """
    parts = [_in_reading_order(quotes) for quotes in answer.answered]
    quoted = [quote.passage.number for quotes in parts for quote in quotes]
    order = dict.fromkeys([*quoted, *(passage.number for passage in evidence.passages)])
    new = {old: number for number, old in enumerate(order, 1)}

    def renumbered(passage: Passage) -> Passage:
        return replace(passage, number=new[passage.number])

    answered = tuple(tuple(replace(quote, passage=renumbered(quote.passage)) for quote in quotes) for quotes in parts)
    passages = sorted(map(renumbered, evidence.passages), key=lambda passage: passage.number)
    return replace(answer, answered=answered), replace(evidence, passages=tuple(passages))


def write_answer(answer: QuotedAnswer, evidence: Evidence) -> Iterator[str]:
    """Yield the text of the answer in pieces, with what is missing at the end."""
    for number, quotes in enumerate(answer.answered):
        if number:
            yield "\n\n"
        yield from write_quotes(quotes, evidence.language)
    if answer.missing:
        separator = "；" if evidence.language == "zh" else "; "
        yield "\n\n" + NOTICES[evidence.language].not_found.format(questions=separator.join(answer.missing))


def _without_repeated_parts(parts: Sequence[tuple[Quote, ...]]) -> Iterator[tuple[Quote, ...]]:
    """Yield the parts but those that only repeat spans of the ones before."""
    told: set[tuple[str, int]] = set()
    for quotes in parts:
        spans = {(quote.passage.chunk.id, span.start) for quote in quotes for span in quote.spans}
        if not spans <= told:
            yield quotes
        told |= spans


def _in_reading_order(quotes: Sequence[Quote]) -> list[Quote]:
    first: dict[str, int] = {}
    for number, quote in enumerate(quotes):
        first.setdefault(quote.passage.chunk.group_key, number)
    return sorted(quotes, key=lambda quote: (first[quote.passage.chunk.group_key], quote.passage.chunk.position))


def _quotes(evidence: Evidence, min_evidence: float) -> tuple[Quote, ...]:
    chosen = choose_quotes(evidence)
    if not chosen.quotes:
        return ()
    verdict = judge_quotes(chosen.quotes, evidence, is_exact=chosen.is_exact)
    if verdict == "missing" and min_evidence:  # with 0, everything is an answer
        return ()
    level = _level_if_told(min_evidence) if verdict == "told" else min_evidence
    return chosen.quotes if evidence.reaches(level) else ()


def _level_if_told(min_evidence: float) -> float:
    """Return the probability (0..1) that makes one of `min_evidence` with what the quotes themselves tell."""
    return min_evidence / (min_evidence + _TOLD_ODDS * (1 - min_evidence))
