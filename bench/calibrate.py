"""Fit the probability that the passages found answer the question.

    python -m bench.calibrate SETS [--work DIR]

`SETS` is the folder of the development sets. Each question is searched twice: in an index that has its passage, and in
one that lacks it. CMRC 2018 brings questions whose passage was removed; for the other sets a filter excludes the
passage. The model is a logistic regression in which every set and both outcomes have the same weight.

The benchmark prints the model and its quality from five-fold cross-validation (shares between 0 and 1), and writes both
to rag/retrieval/calibrations/<fingerprint of the embedder>.json. A second model without the signals that depend on the
embedder goes to `any.json` beside it. `ZHIWEN_EMBEDDING__*` chooses the embedder.
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

from bench.evaluation_sets import EvaluationSet, load_set
from bench.index import open_index
from bench.metrics import area_under_curve, refused_at
from rag.retrieval.search import retrieve
from rag.retrieval.sufficiency import ANY_EMBEDDER, Signals, extract_signals
from rag.store.filters import In, Not
from rag.wiring import Services

# Pairs: the set of the questions, the set of the documents.
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
    """The signals of the questions of one set: with the passage in the index, and without it."""

    name: str
    answerable: tuple[Signals, ...]
    unanswerable: tuple[Signals, ...]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model as its file holds it. `quality` has the cross-validated figures of each set."""

    intercept: float
    weights: dict[str, float]
    prior: float
    quality: dict[str, dict[str, float]]


def main() -> None:
    """Ask all sets, fit both models, and write and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the development sets")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    arguments = parser.parse_args()
    samples: dict[str, list[Sample]] = {"same": [], "across": []}
    name = fingerprint = ""
    for kind, pairs in (("same", SAME_LANGUAGE), ("across", ACROSS_LANGUAGES)):
        for questions, documents in pairs:
            evaluation = load_set(arguments.sets / questions, corpus=arguments.sets / documents)
            with open_index(evaluation, arguments.work) as index:
                samples[kind].append(sample_signals(evaluation, index.services, index.sources_by_document))
                name, fingerprint = index.services.embedder.name, index.services.embedder.fingerprint
            print(f"{evaluation.name}: all questions searched", file=sys.stderr)
    same, across = samples["same"], samples["across"]
    write_calibration(fingerprint, name, fit(same, SAME_SIGNALS), fit(across, ACROSS_SIGNALS))
    write_calibration(ANY_EMBEDDER, "any", fit(same, OF_ANY_EMBEDDER), fit(across, ()))


def sample_signals(evaluation: EvaluationSet, services: Services, sources_by_document: dict[str, list[str]]) -> Sample:
    """Search every question of a set with its passage in the index and without it."""
    answerable, unanswerable = [], []
    snapshot, settings = services.store.snapshot(), services.settings.retrieval
    for query in evaluation.queries:
        answerable.append(extract_signals(retrieve(query.text, snapshot, services.embedder, settings)))
        if not evaluation.unanswerable:
            relevant = evaluation.relevant[query.id]
            excluded = Not(In("source", tuple(source for name in relevant for source in sources_by_document[name])))
            without = retrieve(query.text, snapshot, services.embedder, settings, search_filter=excluded)
            unanswerable.append(extract_signals(without))
    for query in evaluation.unanswerable:
        unanswerable.append(extract_signals(retrieve(query.text, snapshot, services.embedder, settings)))
    return Sample(evaluation.name, tuple(answerable), tuple(unanswerable))


def fit(samples: Sequence[Sample], signals: Sequence[str]) -> FittedModel:
    """Fit a logistic regression on the named signals.

    The signals are standardised for the fit; the weights returned apply to the signals as they are. Without signals the
    model gives even odds.
    """
    if not signals:
        return FittedModel(0.0, {}, PRIOR, {})
    rows = [row for sample in samples for row in (*sample.answerable, *sample.unanswerable)]
    matrix = np.array([_values(row, signals) for row in rows])
    labels = np.concatenate([_labels(sample) for sample in samples])
    weights = np.concatenate([_weights(sample) for sample in samples])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    parameters = {"logisticregression__sample_weight": weights}
    held_out = cross_val_predict(model, matrix, labels, cv=folds, method="decision_function", params=parameters)
    model.fit(matrix, labels, **parameters)
    scaler, regression = model[0], model[1]
    slopes = regression.coef_[0] / scaler.scale_
    return FittedModel(
        intercept=round(float(regression.intercept_[0] - slopes @ scaler.mean_), 4),
        weights={name: round(float(slope), 4) for name, slope in zip(signals, slopes, strict=True)},
        prior=PRIOR,
        quality=_quality(samples, labels, held_out),
    )


def _values(signals: Signals, names: Sequence[str]) -> list[float]:
    return [float(getattr(signals, name)) for name in names]


def _labels(sample: Sample) -> NDArray[np.int_]:
    """1 for each answerable question, then 0 for each unanswerable one."""
    return np.repeat([1, 0], [len(sample.answerable), len(sample.unanswerable)])


def _weights(sample: Sample) -> NDArray[np.float64]:
    """One weight a question, so that sets and outcomes count the same however many questions they have."""
    sizes = [len(sample.answerable), len(sample.unanswerable)]
    return np.repeat([1000 / size for size in sizes], sizes)


def _quality(
    samples: Sequence[Sample], labels: NDArray[np.int_], scores: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """The figures of each set, from the log-odds that cross-validation gave its questions."""
    quality, start = {}, 0
    shift = math.log(PRIOR / (1 - PRIOR))
    for sample in samples:
        end = start + len(sample.answerable) + len(sample.unanswerable)
        positive, negative = (scores[start:end][labels[start:end] == label].tolist() for label in (1, 0))
        quality[sample.name] = {
            "questions": len(positive),
            "without_answer": len(negative),
            "area_under_curve": round(area_under_curve(positive, negative), 3),
            "refused_at_95_kept": round(refused_at(positive, negative), 3),
            "kept_at_one_half": round(float(np.mean(np.array(positive) + shift >= 0)), 3),
            "refused_at_one_half": round(float(np.mean(np.array(negative) + shift < 0)), 3),
        }
        start = end
    return quality


def write_calibration(fingerprint: str, name: str, same: FittedModel, across: FittedModel) -> None:
    """Write the two models of an embedder to its file in `CALIBRATIONS`, and print the file."""
    content = {"embedder": name, "same_language": asdict(same), "across_languages": asdict(across)}
    CALIBRATIONS.mkdir(exist_ok=True)
    path = CALIBRATIONS / f"{fingerprint}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
