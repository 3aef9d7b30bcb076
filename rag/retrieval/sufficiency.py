"""The probability that the hits contain the answer.

It comes from a logistic model over signals of the best hits. The weights are in `rag/retrieval/calibrations/`, in one
small file for each embedder, because embedders spread their similarities differently, and one for all others.
`python -m bench.calibrate` fits them and records the data. A question in another language than the passages has a model
of its own, over similarity, numbers and translated words.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import mean

from rag.retrieval.answer_kinds import lacks_kind
from rag.retrieval.fusion import bm25_share, weighted_term_coverage
from rag.retrieval.name_presence import name_absence
from rag.retrieval.search import Retrieval
from rag.text.language import Language, detect_language, is_cross_lingual
from rag.text.spans import split_spans
from rag.text.tokens import tokenize
from rag.types import Hit

ANY_EMBEDDER = "any"
_CALIBRATIONS = Path(__file__).with_name("calibrations")
_RUNNERS_UP = 10
_SPANS = 4
"""The spans that are compared with the question: those that hold most of its words."""
_SPAN_CHARACTERS = 300
_SPAN_BEHIND = 0.03
"""The best span is hardly ever farther from the question than the nearest passage by more than this: for 2 % of 408
questions on documentation."""
LIKELY = 0.75
"""From this probability on, passages have an answer even if the words of its quotes do not confirm it."""
_FEW_CHARACTERS = 20
_SLIGHT = 0.05
"""Added to what a lead is measured against: less than this share of the highest score is chance."""
_NUMBER = re.compile(r"[0-9]{2,}")

_MISSING = -3.0
"""Log-odds if the time, price or name that the question asks for is missing: one in twenty, and one in seven if it is
in doubt whether a name is missing. Not fitted: the passages of the sets are so long that nearly all contain a year, and
they contain all Latin names of their Chinese questions (107 of CMRC 2018 and XQuAD)."""

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


@dataclass(frozen=True, slots=True)
class Unrelated:
    """The cosines of questions with texts of their language that have nothing to do with them."""

    median: float
    deviation: float

    def standardise(self, signals: Signals) -> Signals:
        """Return the signals with `span_cosine` as its distance above these, in standard deviations."""
        return replace(signals, span_cosine=(signals.span_cosine - self.median) / self.deviation)


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """Log-odds = intercept + weights · signals, fitted on equal numbers of questions with and without an answer.

    `prior` is the share of questions with an answer that is assumed in production.
    """

    intercept: float
    weights: Mapping[str, float]
    prior: float

    def probability(self, signals: Signals) -> float:
        """Return the probability (0..1) of an answer."""
        log_odds = self.intercept + math.log(self.prior / (1 - self.prior))
        log_odds += _MISSING * max(signals.kind_missing, signals.name_missing)
        log_odds += sum(weight * getattr(signals, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The models of one embedder.

    `unrelated` is given for each language in which `same_language` takes `span_cosine` as its distance from these.
    """

    same_language: LogisticModel
    across_languages: LogisticModel
    unrelated: Mapping[Language, Unrelated] = field(default_factory=dict)

    @property
    def compares_spans(self) -> bool:
        """Whether spans must be embedded."""
        return "span_cosine" in self.same_language.weights

    def probability(self, signals: Signals, language: Language) -> float:
        """Return the probability (0..1) of an answer to a question in this language."""
        if signals.is_across:
            return self.across_languages.probability(signals)
        unrelated = self.unrelated.get(language)
        return self.same_language.probability(unrelated.standardise(signals) if unrelated else signals)


def answer_probability(retrieval: Retrieval, *, enough: float = LIKELY) -> float:
    """Return the probability (0..1) that the hits answer the question; 0 without hits.

    One of at least `enough` may be higher in truth: it saves the time to compare further spans. May raise
    EmbedderError.
    """
    if not retrieval.hits:
        return 0.0
    calibration, language = load_calibration(retrieval.embedder), detect_language(retrieval.question)
    signals = extract_signals(
        retrieval,
        compares_spans=calibration.compares_spans,
        is_enough=lambda so_far: calibration.probability(so_far, language) >= enough,
    )
    return calibration.probability(signals, language)


def extract_signals(
    retrieval: Retrieval, *, compares_spans: bool = True, is_enough: Callable[[Signals], bool] = lambda signals: False
) -> Signals:
    """Return the signals of a retrieval, which must have hits.

    With `compares_spans`, the best span is embedded for `span_cosine`, which takes as long as a search, and then the
    others, unless `is_enough` of the signals so far, first of those with the least that `span_cosine` is likely to be.
    Without `compares_spans` it is 0. May raise EmbedderError.
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
    compared = [span for _, span in spans[:_SPANS]] if compares_spans and not is_across else []
    estimated = replace(signals, span_cosine=cosine - _SPAN_BEHIND)
    if compared and is_enough(estimated):
        return estimated
    for texts in (compared[:1], compared[1:]):
        if texts and not is_enough(signals):
            cosines = retrieval.results.compare(texts)
            signals = replace(signals, span_cosine=max(signals.span_cosine, *cosines))
    return signals


@cache
def load_calibration(fingerprint: str) -> Calibration:
    """Return the calibration of the embedder with this fingerprint, or the one for all others."""
    own = _CALIBRATIONS / f"{fingerprint}.json"
    path = own if own.is_file() else _CALIBRATIONS / f"{ANY_EMBEDDER}.json"
    fitted = json.loads(path.read_text(encoding="utf-8"))
    unrelated = {language: Unrelated(**cosines) for language, cosines in fitted.get("unrelated", {}).items()}
    return Calibration(_model(fitted["same_language"]), _model(fitted["across_languages"]), unrelated)


def _model(fitted: Mapping[str, object]) -> LogisticModel:
    weights = fitted["weights"]
    assert isinstance(weights, dict)  # noqa: S101  (our own file)
    return LogisticModel(float(str(fitted["intercept"])), weights, float(str(fitted["prior"])))


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
    for hit in retrieval.hits[:3]:
        context = frozenset(tokenize(hit.chunk.context))
        for span in split_spans(hit.chunk):
            coverage = weighted_term_coverage(context | set(tokenize(span.text)), retrieval.idf)
            ranked.append((coverage + hit.score, coverage, f"{hit.chunk.context}\n{span.text}"[:_SPAN_CHARACTERS]))
    ranked.sort(key=lambda each: -each[0])
    return [(coverage, text) for _, coverage, text in ranked]
