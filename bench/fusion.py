"""Fit the weight of words in the fusion, and measure it on sets that it was not fitted on.

    python -m bench.fusion SETS [--work DIR] [--results bench/results/fusion.json]

`SETS` is the folder of all sets. Every question of every set is searched once, with both retrievers, in its own
language and, for XQuAD, across the two; what they found is kept below `--work` as long as the index is the same. For
each set the weight is fitted on all others; the benchmark prints nDCG@10 of that fit beside both retrievers, reciprocal
rank fusion and the former formula, a fixed weight of 2.5. The last lines are the fit on all sets, which
rag/retrieval/fusion.py has. Across the two languages the fit sees words as they are, as between languages without a
dictionary; the figures are those with translated words, whose weight is fixed.

The fit minimises the cross-entropy between the softmax of the scores and the relevant documents (ListNet; Cao et al.,
"Learning to Rank: From Pairwise Approach to Listwise Approach", 2007). Every set has the same weight.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from bench.candidates import Candidates, Numbers, read_candidates
from bench.evaluation_sets import load_set
from bench.results import add_result
from rag.retrieval.fusion import TRANSLATED_WEIGHT, WORD_WEIGHT, WordWeight, word_evidence

PAIRS = (
    ("cmrc2018-dev", "cmrc2018-dev"),
    ("stard-laws", "stard-laws"),
    ("xquad-zh", "xquad-zh"),
    ("xquad-en", "xquad-en"),
    ("xquad-zh", "xquad-en"),
    ("xquad-en", "xquad-zh"),
    ("pingcap-knownitem", "pingcap-knownitem"),
    ("rgb-zh-refine", "rgb-zh-refine"),
    ("dragonball-zh", "dragonball-zh"),
)
"""The set of the questions, the set of the documents."""
_FITTED_QUESTIONS = 800
_PENALTY = 0.02
_FIRST_STEEPNESS = 2.5
_FORMER_WEIGHT = 2.5


def main() -> None:
    """Fit without each set in turn and on all, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the evaluation sets")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    parser.add_argument("--results", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    sets = {}
    for questions, documents in PAIRS:
        evaluation = load_set(arguments.sets / questions, corpus=arguments.sets / documents)
        sets[evaluation.name] = read_candidates(evaluation, arguments.work)
        print(f"{evaluation.name}: {sets[evaluation.name].questions} questions searched", file=sys.stderr)
    figures = {name: figures_of(candidates, _others(sets, name)) for name, candidates in sets.items()}
    mean = {ranking: round(float(np.mean([each[ranking] for each in figures.values()])), 4) for ranking in RANKINGS}
    fitted = asdict(fit(list(sets.values())))
    _print({**figures, "mean": mean})
    print("fitted on all sets:", fitted)
    if arguments.results:
        for name, each in {**figures, "mean": mean, "fitted on all sets": fitted}.items():
            add_result(arguments.results, name, each)


RANKINGS = ("dense", "lexical", "rrf", "former", "held_out", "shipped")


def figures_of(candidates: Candidates, others: Sequence[Candidates]) -> dict[str, float]:
    """Return nDCG@10 by ranking. `held_out` has the weight fitted on `others`, `shipped` the one zhiwen uses."""
    scores = {
        "dense": candidates.dense(),
        "lexical": candidates.lexical(),
        "rrf": candidates.rank_fusion(),
        "former": _former(candidates),
        "held_out": fused(candidates, fit(others)),
        "shipped": fused(candidates, WORD_WEIGHT),
    }
    return {name: round(candidates.ndcg(values), 4) for name, values in scores.items()}


def fused(candidates: Candidates, word_weight: WordWeight) -> Numbers:
    """Return the scores of `fuse` with a weight."""
    weights = np.array([word_weight.of_evidence(evidence) for evidence in _evidence(candidates)])
    # Without a match in words only similarity counts.
    weights = np.where(candidates.best_share > 0, weights, 0.0)[candidates.question]
    is_translated = candidates.is_translated[candidates.question]
    weights = np.where(is_translated, TRANSLATED_WEIGHT, weights)
    words = np.where(is_translated, candidates.translated, candidates.words())
    return np.asarray((1 - weights) * candidates.similarity() + weights * words)


def fit(sets: Sequence[Candidates]) -> WordWeight:
    """Return the weight that ranks the relevant documents of these sets best."""
    samples = [candidates.sample(_FITTED_QUESTIONS) for candidates in sets]
    evidence = [_evidence(candidates) for candidates in samples]
    everything = np.concatenate(evidence)
    centre, spread = everything.mean(axis=0), everything.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    lists = [_Lists(one, (each - centre) / scale) for one, each in zip(samples, evidence, strict=True)]

    def objective(parameters: Numbers) -> tuple[float, Numbers]:
        penalised = np.concatenate(([0.0], parameters[1:-1], [0.0]))
        losses, gradients = zip(*(one.loss(parameters) for one in lists), strict=True)
        return (
            float(np.mean(losses) + _PENALTY * penalised @ penalised / 2),
            np.mean(gradients, axis=0) + _PENALTY * penalised,
        )

    first = np.zeros(everything.shape[1] + 2)
    first[-1] = _FIRST_STEEPNESS
    found = scipy.optimize.minimize(objective, first, jac=True, method="L-BFGS-B").x
    slopes = found[1:-1] / scale
    matched, terms, rarest = (round(float(slope), 2) for slope in slopes)
    return WordWeight(round(float(found[0] - slopes @ centre), 2), matched, terms, rarest)


class _Lists:
    """The loss of one set, as a function of intercept, slopes and the logarithm of the softmax' steepness."""

    def __init__(self, candidates: Candidates, evidence: Numbers) -> None:
        self._evidence = np.column_stack([np.ones(len(evidence)), evidence])
        self._similarity, self._words = candidates.similarity(), candidates.words()
        self._question, self._starts = candidates.question, candidates.documents
        self._document = np.cumsum(candidates.begins_document)
        self._document_question = self._question[self._starts]
        relevant = (candidates.gain[self._starts] > 0).astype(float)
        found = np.bincount(self._document_question, relevant, candidates.questions)
        self._is_found = (found > 0)[self._document_question]
        self._target = relevant / np.maximum(found, 1)[self._document_question]
        self._count = int((found > 0).sum())
        self._first = np.flatnonzero(np.r_[True, np.diff(self._document_question) != 0])

    def loss(self, parameters: Numbers) -> tuple[float, Numbers]:
        """Return the mean cross-entropy of the questions, and its gradient."""
        steepness = np.exp(parameters[-1])
        weights = 1 / (1 + np.exp(-self._evidence @ parameters[:-1]))
        by_candidate = weights[self._question]
        scores = (1 - by_candidate) * self._similarity + by_candidate * self._words
        best = self._best(scores)
        scaled = steepness * scores[best]
        scaled -= np.maximum.reduceat(scaled, self._first)[self._document_question]
        odds = np.exp(scaled)
        shares = odds / np.add.reduceat(odds, self._first)[self._document_question]
        error = np.where(self._is_found, shares - self._target, 0.0) / self._count
        loss = -np.sum(self._target * np.log(shares + 1e-12)) / self._count
        pull = steepness * error * (self._words - self._similarity)[best]
        by_question = np.bincount(self._document_question, pull, len(weights)) * weights * (1 - weights)
        gradient = np.append(self._evidence.T @ by_question, steepness * np.sum(error * scores[best]))
        return float(loss), gradient

    def _best(self, scores: Numbers) -> NDArray[np.int64]:
        """Return the position of the best chunk of each document."""
        order = np.lexsort((-scores, self._document))
        return np.asarray(order[self._starts], dtype=np.int64)


def _evidence(candidates: Candidates) -> Numbers:
    rows = zip(candidates.best_share, candidates.terms, candidates.rarest, strict=True)
    return np.array([word_evidence(*row) for row in rows])


def _former(candidates: Candidates) -> Numbers:
    """Return the scores of the former formula: a fixed weight for BM25 as a share of the highest possible score."""
    highest = candidates.best_of_question(candidates.bm25) / np.maximum(candidates.best_share, 1e-12)
    return np.asarray(
        candidates.similarity() + _FORMER_WEIGHT * candidates.bm25 / np.maximum(highest, 1e-12)[candidates.question]
    )


def _others(sets: Mapping[str, Candidates], name: str) -> list[Candidates]:
    return [candidates for other, candidates in sets.items() if other != name]


def _print(figures: Mapping[str, Mapping[str, float]]) -> None:
    print(f"{'nDCG@10':<24}" + "".join(f"{name:>10}" for name in RANKINGS))
    for name, each in figures.items():
        print(f"{name:<24}" + "".join(f"{each[ranking]:>10.4f}" for ranking in RANKINGS))


if __name__ == "__main__":
    main()
