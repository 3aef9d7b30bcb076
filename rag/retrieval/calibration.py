"""The logistic models that turn the signals of a retrieval into the probability of an answer.

The weights are in `rag/retrieval/calibrations/`, in one small file for each embedder, because embedders spread their
similarities differently, and one for all others. `python -m bench.calibrate` fits them and records the data.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from rag.retrieval.signals import Signals
from rag.text.language import Language

ANY_EMBEDDER = "any"
_CALIBRATIONS = Path(__file__).with_name("calibrations")
_MISSING = -3.0
"""Log-odds if the time, price or name that the question asks for is missing: one in twenty, and one in seven if it is
in doubt whether a name is missing. Not fitted: the passages of the sets are so long that nearly all contain a year, and
they contain all Latin names of their Chinese questions (107 of CMRC 2018 and XQuAD)."""


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
