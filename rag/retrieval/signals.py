"""The signals in a retrieval that tell questions with an answer from questions without one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from rag.retrieval.answer_kinds import lacks_kind
from rag.retrieval.fusion import bm25_share, weighted_term_coverage
from rag.retrieval.name_presence import name_absence
from rag.retrieval.search import Retrieval
from rag.text.language import is_cross_lingual
from rag.text.spans import split_spans
from rag.text.term_finder import TermFinder
from rag.types import Hit

_RUNNERS_UP = 10
_SPANS = 4
"""The spans to compare with the question: those that hold most of its words."""
_SPAN_CHARACTERS = 300
_FEW_CHARACTERS = 20
_SLIGHT = 0.05
"""Added to what a lead is measured against: less than this share of the highest score is chance."""
_NUMBER = re.compile(r"[0-9]{2,}")
_UNTRANSLATED = 0.33
"""What questions with and without an answer have on average, for one of which no word can be translated."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals that tell questions with an answer from questions without one.

    `cosine` is the highest cosine, and `best_margin` the lead of the best hit's over the mean of the next ten.
    `lexical_lead` is the lead of the best hit in BM25 over the mean of the ten after it, as a multiple of that mean.
    `span_coverage` is the largest weighted term coverage of one sentence or row of the three best hits, and
    `span_cosine` the highest cosine of the four that hold most. `translated` is the share of the question that the best
    hit holds in translation; as far as it does not hold all, less what the next ten hold on average. `kind_missing` is
    1 if the question asks for a time or a price and no hit contains one. `name_missing` is 1 if the question asks for
    names and no hit contains any, and less if that is in doubt. `number_missing` is 1 if the question has a number of
    two or more digits that is in no hit. `is_across`: the hits are in another language than the question.
    """

    cosine: float
    lexical_lead: float
    span_coverage: float
    kind_missing: float
    name_missing: float
    is_across: bool
    span_cosine: float = 0.0
    number_missing: float = 0.0
    translated: float = _UNTRANSLATED
    best_margin: float = 0.0


def extract_signals(retrieval: Retrieval) -> Signals:
    """Return the signals of a retrieval, which must have hits. Blocks; may raise EmbedderError."""
    signals, spans = signals_of_text(retrieval)
    return compare_spans(signals, spans, retrieval) if spans else signals


def compare_spans(signals: Signals, spans: Sequence[str], retrieval: Retrieval) -> Signals:
    """Return the signals with the cosine of the nearest of some spans, unless they have a higher one.

    Blocks as long as a search for each span; may raise EmbedderError.
    """
    return replace(signals, span_cosine=max(signals.span_cosine, *retrieval.results.compare(spans)))


def signals_of_text(retrieval: Retrieval) -> tuple[Signals, list[str]]:
    """Return the signals of a retrieval, which must have hits, without `span_cosine`, and the spans that give it.

    There are none if the hits are in another language than the question.
    """
    hits = retrieval.hits
    passages = [hit.chunk.searchable_text for hit in hits]
    others = (hit.chunk.searchable_text for hit in retrieval.candidates)
    text = "\n".join(passages)
    is_across = is_cross_lingual(retrieval.question, text)
    cosine, *other_cosines = sorted(_telling_cosines(retrieval.candidates, is_across=is_across), reverse=True)
    spans = _best_spans(retrieval)
    signals = Signals(
        cosine=cosine,
        lexical_lead=_lexical_lead(retrieval),
        span_coverage=max((coverage for coverage, _ in spans), default=0.0),
        kind_missing=float(lacks_kind(retrieval.question, text)),
        name_missing=name_absence(retrieval.question, passages, others=others, is_across=is_across),
        is_across=is_across,
        number_missing=float(any(number not in text for number in _NUMBER.findall(retrieval.question))),
        translated=_translated(retrieval),
        best_margin=_telling_cosines(hits, is_across=is_across)[0] - _mean_of_runners_up(other_cosines),
    )
    return signals, [] if is_across else [span for _, span in spans[:_SPANS]]


def _telling_cosines(hits: Sequence[Hit], *, is_across: bool) -> Sequence[float]:
    """Return the cosines in order; across languages those of a few words are left out: they are near to everything."""
    long = [hit.cosine for hit in hits if len(hit.chunk.content) >= _FEW_CHARACTERS]
    return long if is_across and long else [hit.cosine for hit in hits]


def _mean_of_runners_up(ordered: Sequence[float]) -> float:
    return mean(ordered[:_RUNNERS_UP]) if ordered else 0.0


def _translated(retrieval: Retrieval) -> float:
    held = retrieval.results.translated
    if not held:
        return _UNTRANSLATED
    best_id = retrieval.hits[0].chunk.id  # a reranker may have put it first
    others = [held[hit.chunk.id] for hit in retrieval.candidates if hit.chunk.id != best_id]
    return held[best_id] - (1 - held[best_id]) * _mean_of_runners_up(others)


def _lexical_lead(retrieval: Retrieval) -> float:
    best = retrieval.hits[0]
    others = sorted((hit.bm25 for hit in retrieval.candidates if hit.chunk.id != best.chunk.id), reverse=True)
    background = _mean_of_runners_up(others)
    lead = bm25_share(max(best.bm25 - background, 0.0), retrieval.idf)
    return lead / (bm25_share(background, retrieval.idf) + _SLIGHT)


def _best_spans(retrieval: Retrieval) -> list[tuple[float, str]]:
    """Return the sentences and rows of the three best hits, and the share of the question's terms that each covers.

    Those that cover most and stand in the best hits come first. Each has the headings above it.
    """
    ranked = []
    finder = TermFinder(retrieval.idf.keys())
    for hit in retrieval.hits[:3]:
        context = finder.find(hit.chunk.context)
        for span in split_spans(hit.chunk):
            coverage = weighted_term_coverage(context | finder.find(span.text), retrieval.idf)
            ranked.append((coverage + hit.score, coverage, f"{hit.chunk.context}\n{span.text}"[:_SPAN_CHARACTERS]))
    ranked.sort(key=lambda each: -each[0])
    return [(coverage, text) for _, coverage, text in ranked]
