"""Fits how likely it is that what was found answers the question: `python -m bench.calibrate SETS [--work DIR]`.

`SETS` is the folder that holds the development sets. Each question is asked of an index that has its passage and of one
that has not: CMRC 2018 comes with questions whose passage was removed; for the others the passages are left out by a
filter. Logistic regression, every set and both outcomes weighing the same; the quality printed is of five-fold
cross-validation. The constants go to `rag/retrieval/calibrations/<fingerprint>.json`, and those
without the signals that depend on the embedder to `any.json`.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.index import opened_index
from bench.metrics import area_under_curve, refused_at
from bench.sets import EvaluationSet, load_set
from rag.retrieval.search import retrieve
from rag.retrieval.sufficiency import ANY_EMBEDDER, Signals, extract_signals
from rag.store.filters import In, Not
from rag.wiring import Services

# (questions, documents)
SAME_LANGUAGE = (
    ("cmrc2018-dev", "cmrc2018-dev"),
    ("xquad-zh", "xquad-zh"),
    ("xquad-en", "xquad-en"),
    ("stard-laws", "stard-laws"),
)
ACROSS_LANGUAGES = (("xquad-zh", "xquad-en"), ("xquad-en", "xquad-zh"))
PRIOR = 0.8
"""The share of questions that can be answered, assumed in use."""
SAME_SIGNALS = ("cosine", "margin", "lexical_lead", "span_coverage")
ACROSS_SIGNALS = ("cosine", "margin")
OF_ANY_EMBEDDER = ("lexical_lead", "span_coverage")
CALIBRATIONS = Path(__file__).parents[1] / "rag" / "retrieval" / "calibrations"


@dataclass(frozen=True, slots=True)
class Sample:
    """The signals of one set's questions, with their passage in the index and without."""

    name: str
    answerable: tuple[Signals, ...]
    unanswerable: tuple[Signals, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model as it is written down; `quality` is cross-validated, by set."""

    intercept: float
    weights: dict[str, float]
    prior: float
    quality: dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="the folder of the development sets")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="indexes are kept here")
    arguments = parser.parse_args()
    samples: dict[str, list[Sample]] = {"same": [], "across": []}
    name = fingerprint = ""
    for kind, pairs in (("same", SAME_LANGUAGE), ("across", ACROSS_LANGUAGES)):
        for questions, documents in pairs:
            evaluation = load_set(arguments.sets / questions, corpus=arguments.sets / documents)
            with opened_index(evaluation, arguments.work) as index:
                samples[kind].append(sample(evaluation, index.services, index.sources_of))
                name, fingerprint = index.services.embedder.name, index.services.embedder.fingerprint
            print(f"{evaluation.name}: asked", file=sys.stderr)
    same, across = samples["same"], samples["across"]
    write(fingerprint, name, fit(same, SAME_SIGNALS), fit(across, ACROSS_SIGNALS))
    write(ANY_EMBEDDER, "any", fit(same, OF_ANY_EMBEDDER), fit(across, ()))


def sample(evaluation: EvaluationSet, services: Services, sources_of: dict[str, list[str]]) -> Sample:
    """Ask every question of a set with its passage and without."""
    answerable, unanswerable = [], []
    snapshot, settings = services.store.snapshot(), services.settings.retrieval
    for query in evaluation.queries:
        answerable.append(extract_signals(retrieve(query.text, snapshot, services.embedder, settings)))
        if not evaluation.unanswerable:
            gone = tuple(source for document in evaluation.relevant[query.id] for source in sources_of[document])
            without = retrieve(query.text, snapshot, services.embedder, settings, search_filter=Not(In("source", gone)))
            unanswerable.append(extract_signals(without))
    for query in evaluation.unanswerable:
        unanswerable.append(extract_signals(retrieve(query.text, snapshot, services.embedder, settings)))
    return Sample(evaluation.name, tuple(answerable), tuple(unanswerable))


def fit(samples: Sequence[Sample], signals: Sequence[str]) -> Fitted:
    """Logistic regression on standardised signals, given back for the signals as they are; even odds without any."""
    if not signals:
        return Fitted(0.0, {}, PRIOR, {})
    matrix = np.array([_values(one, signals) for part in samples for one in (*part.answerable, *part.unanswerable)])
    labels = np.concatenate([_labels(part) for part in samples])
    weights = np.concatenate([_weights(part) for part in samples])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    parameters = {"logisticregression__sample_weight": weights}
    held_out = cross_val_predict(model, matrix, labels, cv=folds, method="decision_function", params=parameters)
    model.fit(matrix, labels, **parameters)
    scaler, regression = model[0], model[1]
    slopes = regression.coef_[0] / scaler.scale_
    return Fitted(
        intercept=round(float(regression.intercept_[0] - slopes @ scaler.mean_), 4),
        weights={name: round(float(slope), 4) for name, slope in zip(signals, slopes, strict=True)},
        prior=PRIOR,
        quality=_quality(samples, labels, held_out),
    )


def _values(signals: Signals, names: Sequence[str]) -> list[float]:
    return [float(getattr(signals, name)) for name in names]


def _labels(part: Sample) -> NDArray[np.int_]:
    return np.repeat([1, 0], [len(part.answerable), len(part.unanswerable)])


def _weights(part: Sample) -> NDArray[np.float64]:
    """Every set and both outcomes weigh the same, whatever their number of questions."""
    sizes = [len(part.answerable), len(part.unanswerable)]
    return np.repeat([1000 / size for size in sizes], sizes)


def _quality(
    samples: Sequence[Sample], labels: NDArray[np.int_], scores: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    quality, start = {}, 0
    shift = math.log(PRIOR / (1 - PRIOR))
    for part in samples:
        end = start + len(part.answerable) + len(part.unanswerable)
        positive, negative = (scores[start:end][labels[start:end] == label].tolist() for label in (1, 0))
        quality[part.name] = {
            "questions": len(positive),
            "without_answer": len(negative),
            "area_under_curve": round(area_under_curve(positive, negative), 3),
            "refused_at_95_kept": round(refused_at(positive, negative), 3),
            "kept_at_one_half": round(float(np.mean(np.array(positive) + shift >= 0)), 3),
            "refused_at_one_half": round(float(np.mean(np.array(negative) + shift < 0)), 3),
        }
        start = end
    return quality


def write(fingerprint: str, name: str, same: Fitted, across: Fitted) -> None:
    content = {"embedder": name, "same_language": asdict(same), "across_languages": asdict(across)}
    CALIBRATIONS.mkdir(exist_ok=True)
    path = CALIBRATIONS / f"{fingerprint}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
