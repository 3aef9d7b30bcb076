"""The model that turns signals of a retrieval into the probability of an answer, and the files of its weights."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ANY_EMBEDDER = "any"
_CALIBRATIONS = Path(__file__).with_name("calibrations")

_MISSING = -3.0
"""Log-odds if the time, price or name that the question asks for is missing: one in twenty, and one in seven if it is
in doubt whether a name is missing. Not fitted: the passages of the sets are so long that nearly all contain a year, and
they contain all Latin names of their Chinese questions (107 of CMRC 2018 and XQuAD)."""

_ATTRIBUTE_MISSING = -5.0
"""Log-odds if the property that is asked for is missing and nothing stands out. Not fitted: only DRAGONBall has enough
of such questions. 3 to 6 refuse more of them, and 6 loses a point of CMRC 2018."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals that tell questions with an answer from questions without one.

    `cosine` is the highest cosine, `margin` its lead over the mean of the next ten. `lexical_lead` is the lead of the
    best hit in BM25, as a share of the highest score that the question could give. `span_coverage` is the largest
    weighted term coverage of one sentence or row of the three best hits. `background` is the mean cosine of the
    candidates after the eleventh, `lexical_background` the mean BM25 of the ten after the best hit, as such a share.
    `sentence` is the highest cosine of a sentence of the three best hits, `sentence_lead` its lead over the mean of the
    next ten; both are 0 unless `is_across`, the hits are in another language than the question.

    `number_missing` is 1 if the question has a number that is in no hit, `kind_missing` if it asks for a time or a
    price and no hit contains one. `name_missing` is 1 if the question asks for names and no hit contains any, and less
    if that is in doubt. `attribute_missing` is above 0 if no hit has the property that is asked for, and less than 1 if
    the best hit stands out by its words nevertheless.
    """

    cosine: float
    margin: float
    lexical_lead: float
    span_coverage: float
    kind_missing: float
    name_missing: float
    is_across: bool
    background: float = 0.0
    lexical_background: float = 0.0
    sentence: float = 0.0
    sentence_lead: float = 0.0
    number_missing: float = 0.0
    attribute_missing: float = 0.0


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
        log_odds += _ATTRIBUTE_MISSING * signals.attribute_missing
        log_odds += sum(weight * getattr(signals, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The models of one embedder."""

    same_language: LogisticModel
    across_languages: LogisticModel

    @property
    def weighs_sentences(self) -> bool:
        """Whether the similarity of single sentences counts across languages."""
        return "sentence" in self.across_languages.weights


@cache
def load_calibration(fingerprint: str) -> Calibration:
    """Return the calibration of the embedder with this fingerprint, or the one for all others."""
    own = _CALIBRATIONS / f"{fingerprint}.json"
    path = own if own.is_file() else _CALIBRATIONS / f"{ANY_EMBEDDER}.json"
    fitted = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(_model(fitted["same_language"]), _model(fitted["across_languages"]))


def _model(fitted: Mapping[str, object]) -> LogisticModel:
    weights = fitted["weights"]
    assert isinstance(weights, dict)  # noqa: S101  (our own file)
    return LogisticModel(float(str(fitted["intercept"])), weights, float(str(fitted["prior"])))
