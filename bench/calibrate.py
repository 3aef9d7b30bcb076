"""Fit the probability that the passages found answer the question.

    python -m bench.calibrate SETS [--work DIR]

`SETS` is the folder of the development sets. Each question is searched twice: in an index that has its passage, and in
one that lacks it. CMRC 2018 and DRAGONBall bring questions without an answer; for the other sets a filter excludes the
passage. Across languages, questions of other sets are asked as well, which are out of scope altogether. The model is a
logistic regression in which every set and both outcomes have the same weight.

The benchmark prints the model and its quality on each set, fitted on the other sets (shares between 0 and 1), and
writes both to rag/retrieval/calibrations/<fingerprint of the embedder>.json, and to the files of its other engines. A
second model without the signals that depend on the embedder goes to `any.json` beside them. `ZHIWEN_EMBEDDING__*`
chooses the embedder.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.evaluation_sets import EvaluationSet, load_set
from bench.index import open_index
from bench.metrics import area_under_curve, refused_at
from bench.unrelated import PARALLEL, unrelated_cosines
from rag.retrieval.calibration import ANY_EMBEDDER, LogisticModel, Unrelated
from rag.retrieval.search import retrieve
from rag.retrieval.signals import Signals, extract_signals
from rag.store.filters import Filter, In, Not
from rag.text.language import Language
from rag.wiring import Services

# Pairs: the set of the questions, the set of the documents.
SAME_LANGUAGE = (
    ("cmrc2018-dev", "cmrc2018-dev"),
    ("xquad-zh", "xquad-zh"),
    ("xquad-en", "xquad-en"),
    ("stard-laws", "stard-laws"),
    ("dragonball-zh", "dragonball-zh"),
)
MEASURED_ONLY = frozenset({"dragonball-zh"})
"""Its questions without an answer are about passages that are there, which these signals cannot tell."""
ACROSS_LANGUAGES = (("xquad-zh", "xquad-en"), ("xquad-en", "xquad-zh"))
OUT_OF_SCOPE = {
    "xquad-zh on xquad-en": (("cmrc2018-dev", "xquad-en"), ("stard-laws", "xquad-en"), ("rgb-zh-refine", "xquad-en")),
    "xquad-en on xquad-zh": (("xquad-en", "stard-laws"),),
}
"""Pairs whose questions have nothing to do with the documents, by the name of the pair that they are counted with."""
PRIOR = 0.85
"""The share of questions that can be answered, assumed in use.

People ask in words that are farther from the passages than those of the sets, so it also makes up for that: of 256
questions about eight sites of documentation, .85 keeps 91 % of those that can be answered and refuses 66 % of the
others by this probability alone; .8 keeps 83 % and refuses 75 %.
"""
PRIOR_ACROSS = 0.8
"""The same for questions in another language than the documents."""
SAME_SIGNALS = ("span_cosine", "lexical_lead", "span_coverage")
ACROSS_SIGNALS = ("cosine", "best_margin", "number_missing", "translated")
OF_ANY_EMBEDDER = ("lexical_lead", "span_coverage")
_QUESTIONS = 1000
_OUT_OF_SCOPE_QUESTIONS = 150
CALIBRATIONS = Path(__file__).parents[1] / "rag" / "retrieval" / "calibrations"


@dataclass(frozen=True, slots=True)
class Sample:
    """The signals of the questions of one set: with the passage in the index, without it, and out of scope."""

    name: str
    answerable: tuple[Signals, ...]
    unanswerable: tuple[Signals, ...]
    out_of_scope: tuple[Signals, ...] = ()

    @property
    def all(self) -> tuple[Signals, ...]:
        """The signals of all questions, first those that can be answered."""
        return (*self.answerable, *self.unanswerable, *self.out_of_scope)

    def standardise(self, unrelated: Unrelated) -> "Sample":
        """Return the sample with cosines as their distances from those of unrelated texts."""
        answerable, unanswerable, out_of_scope = (
            tuple(map(unrelated.standardise, rows)) for rows in (self.answerable, self.unanswerable, self.out_of_scope)
        )
        return Sample(self.name, answerable, unanswerable, out_of_scope)


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model as its file holds it. `quality` has the figures of each set for a fit on the others."""

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
    name, fingerprints = "", frozenset[str]()
    for kind, pairs in (("same", SAME_LANGUAGE), ("across", ACROSS_LANGUAGES)):
        for questions, documents in pairs:
            evaluation = load_set(arguments.sets / questions, corpus=arguments.sets / documents)
            with open_index(evaluation, arguments.work) as index:
                sample = sample_signals(evaluation, index.services, index.sources_by_document)
                embedder = index.services.embedder
                name, fingerprints = embedder.name, embedder.equivalents | {embedder.fingerprint}
            foreign = OUT_OF_SCOPE.get(evaluation.name, ())
            out_of_scope = (
                one for pair in foreign for one in out_of_scope_signals(arguments.sets, *pair, arguments.work)
            )
            samples[kind].append(replace(sample, out_of_scope=tuple(out_of_scope)))
            print(f"{evaluation.name}: all questions searched", file=sys.stderr)
    same, across = samples["same"], samples["across"]
    unrelated = {language: unrelated_cosines(arguments.sets / of, arguments.work) for language, of in PARALLEL.items()}
    standardised = [sample.standardise(unrelated["en" if sample.name.endswith("-en") else "zh"]) for sample in same]
    own = fit(standardised, SAME_SIGNALS, PRIOR), fit(across, ACROSS_SIGNALS, PRIOR_ACROSS)
    for fingerprint in fingerprints:
        write_calibration(fingerprint, name, *own, unrelated=unrelated)
    any_across = fit(across, ("number_missing", "translated"), PRIOR_ACROSS)
    write_calibration(ANY_EMBEDDER, "any", fit(same, OF_ANY_EMBEDDER, PRIOR), any_across)


def sample_signals(evaluation: EvaluationSet, services: Services, sources_by_document: dict[str, list[str]]) -> Sample:
    """Search every question of a set with its passage in the index and without it; of a measured set, about 1,000."""
    answerable, unanswerable = [], []
    step = max(len(evaluation.queries) // _QUESTIONS, 1) if evaluation.name in MEASURED_ONLY else 1
    for query in evaluation.queries[::step]:
        answerable.append(_signals(query.text, services))
        if not evaluation.unanswerable:
            relevant = evaluation.relevant[query.id]
            excluded = Not(In("source", tuple(source for name in relevant for source in sources_by_document[name])))
            unanswerable.append(_signals(query.text, services, search_filter=excluded))
    for query in evaluation.unanswerable:
        unanswerable.append(_signals(query.text, services))
    return Sample(evaluation.name, tuple(answerable), tuple(unanswerable))


def _signals(question: str, services: Services, search_filter: Filter | None = None) -> Signals:
    snapshot, embedder = services.store.snapshot(), services.embedder
    found = retrieve(question, snapshot, embedder, services.settings.retrieval, search_filter=search_filter)
    return extract_signals(found)


def out_of_scope_signals(sets: Path, questions: str, documents: str, work: Path) -> list[Signals]:
    """Search 150 questions of one set in the documents of another that has nothing to do with it."""
    queries = load_set(sets / questions).queries
    with open_index(load_set(sets / documents), work) as index:
        return [
            _signals(query.text, index.services)
            for query in queries[:: max(len(queries) // _OUT_OF_SCOPE_QUESTIONS, 1)][:_OUT_OF_SCOPE_QUESTIONS]
        ]


def fit(samples: Sequence[Sample], signals: Sequence[str], prior: float) -> FittedModel:
    """Fit a logistic regression on the named signals, on all sets that are not only measured."""
    fitted = [sample for sample in samples if sample.name not in MEASURED_ONLY]
    quality = {}
    for sample in samples:
        held_out = fit_model([other for other in fitted if other is not sample], signals, prior)
        quality[sample.name] = _quality(sample, held_out)
    model = fit_model(fitted, signals, prior)
    weights = {name: round(weight, 4) for name, weight in model.weights.items()}
    return FittedModel(round(model.intercept, 4), weights, prior, quality)


def fit_model(samples: Sequence[Sample], signals: Sequence[str], prior: float) -> LogisticModel:
    """Fit on these sets. Signals are standardised for it; the weights returned apply to the signals as they are."""
    matrix = np.array([[float(getattr(row, name)) for name in signals] for sample in samples for row in sample.all])
    labels = np.concatenate([_labels(sample) for sample in samples])
    weights = np.concatenate([_weights(sample) for sample in samples])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(matrix, labels, logisticregression__sample_weight=weights)
    scaler, regression = pipeline[0], pipeline[1]
    slopes = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - slopes @ scaler.mean_)
    return LogisticModel(intercept, dict(zip(signals, map(float, slopes), strict=True)), prior)


def _labels(sample: Sample) -> NDArray[np.int_]:
    return np.repeat([1, 0], [len(sample.answerable), len(sample.all) - len(sample.answerable)])


def _weights(sample: Sample) -> NDArray[np.float64]:
    """Weigh the questions: sets and outcomes count the same, and so do both kinds of questions without an answer."""
    sizes = [len(sample.answerable), len(sample.unanswerable), len(sample.out_of_scope)]
    kinds = 2 if sample.out_of_scope else 1
    return np.repeat([1000 / sizes[0], *(1000 / kinds / max(size, 1) for size in sizes[1:])], sizes)


def _quality(sample: Sample, model: LogisticModel) -> dict[str, float]:
    """The figures of a set for a model that was not fitted on it."""
    answerable, unanswerable, out_of_scope = (
        [model.probability(row) for row in rows]
        for rows in (sample.answerable, sample.unanswerable, sample.out_of_scope)
    )
    quality = {
        "questions": len(answerable),
        "without_answer": len(unanswerable),
        "area_under_curve": area_under_curve(answerable, unanswerable),
        "refused_at_95_kept": refused_at(answerable, unanswerable),
        "kept_at_one_half": mean(one >= 0.5 for one in answerable),
        "refused_at_one_half": mean(one < 0.5 for one in unanswerable),
    }
    if out_of_scope:
        quality |= {
            "out_of_scope": len(out_of_scope),
            "out_of_scope_refused_at_95_kept": refused_at(answerable, out_of_scope),
            "out_of_scope_refused_at_one_half": mean(one < 0.5 for one in out_of_scope),
        }
    return {name: round(value, 3) for name, value in quality.items()}


def write_calibration(
    fingerprint: str,
    name: str,
    same: FittedModel,
    across: FittedModel,
    *,
    unrelated: Mapping[Language, Unrelated] | None = None,
) -> None:
    """Write the two models of an embedder to its file in `CALIBRATIONS`, and print the file."""
    content: dict[str, object] = {"embedder": name}
    if unrelated:
        content["unrelated"] = {language: asdict(cosines) for language, cosines in unrelated.items()}
    content |= {"same_language": asdict(same), "across_languages": asdict(across)}
    CALIBRATIONS.mkdir(exist_ok=True)
    path = CALIBRATIONS / f"{fingerprint}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
