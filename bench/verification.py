"""Measure how often the verification of statements is wrong.

    python -m bench.verification SETS [--across] [--out FILE]

`SETS` is a folder with the set `cmrc2018-dev` and, for `--across`, the sets `xquad-zh` and `xquad-en` (corpus.jsonl,
queries.jsonl, qrels.tsv). bench/verification_cases.py makes true and false statements of their questions.

The threshold is fitted on the statements of every other question; the figures come from the rest, once with that
threshold and once with the one in use: precision and recall of the verdict "supported", from 0 to 1, and the number of
statements called supported by kind. They are printed; `--out FILE` writes them as JSON. The figures of the repository
are in bench/results/verification.json.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.results import write_result
from bench.verification_cases import Case, cross_lingual_cases, monolingual_cases
from rag.checks.verification import MIN_SIMILARITY, MIN_WORDING, verify_statement, wording

_F1_TOLERANCE = 0.005
"""The lowest threshold whose F1 is at most this far below the best is taken: people paraphrase more freely than the
program that made the statements."""

_NEVER = -1.0
"""The score of a statement that an exact check already rejects: below every threshold."""

_Idf = Callable[[str], float]
"""Token → inverse document frequency."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and counts of the verdict "supported".

    `by_kind` maps each kind of statement to how many were called supported, and how many there are. `faults` counts why
    true statements were not.
    """

    threshold: float
    precision: float
    recall: float
    supported_true: int
    supported_false: int
    missed: int
    refused: int
    by_kind: dict[str, tuple[int, int]]
    faults: dict[str, int]


def main() -> None:
    """Measure one language and, with `--across`, two; print the figures, and write them if `--out` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the sets")
    parser.add_argument(
        "--across", action="store_true", help="also measure across languages, with the built-in embedder"
    )
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    cases, statistics = monolingual_cases(arguments.sets / "cmrc2018-dev")
    results = {"cmrc2018-dev": measure(cases, statistics.idf, in_use=MIN_WORDING, fit=fit_wording)}
    if arguments.across:
        pairs = (("xquad-zh", "xquad-en", MIN_SIMILARITY["zh"]), ("xquad-en", "xquad-zh", MIN_SIMILARITY["en"]))
        for one, other, in_use in pairs:
            cases, statistics = cross_lingual_cases(arguments.sets / one, arguments.sets / other)
            result = measure(cases, statistics.idf, in_use=in_use, fit=fit_similarity)
            results[f"{one} on {other}"] = result
    for name, result in results.items():
        _print(name, result)
    if arguments.out:
        write_result(arguments.out, {"sets": results})


def measure(
    cases: Sequence[Case], idf: _Idf, *, in_use: float, fit: Callable[[Sequence[Case], _Idf], float]
) -> dict[str, Any]:
    """Fit the threshold on one half of the cases; measure it and the one in use on the other half."""
    fitted_on = [case for case in cases if case.is_fitted_on]
    rest = [case for case in cases if not case.is_fitted_on]
    fitted = fit(fitted_on, idf)
    return {
        "cases": {"fitted_on": len(fitted_on), "measured_on": len(rest)},
        "fitted": _as_json(count_verdicts(rest, idf, fitted)),
        "in_use": _as_json(count_verdicts(rest, idf, in_use)),
    }


def fit_wording(cases: Sequence[Case], idf: _Idf) -> float:
    """The best threshold of the wording, from 0 to 1, for statements in the language of their passage."""
    passed = [verify_statement(case.statement, [case.passage], idf, min_wording=0).supported for case in cases]
    return _best_threshold(
        [
            (wording(case.statement, case.passage, idf) if passes else _NEVER, case.is_true)
            for case, passes in zip(cases, passed, strict=True)
        ]
    )


def fit_similarity(cases: Sequence[Case], idf: _Idf) -> float:
    """The best threshold of the similarity, from 0 to 1, for statements in another language than their passage."""
    passed = [verify_statement(case.statement, [case.passage], idf, None).supported for case in cases]
    return _best_threshold(
        [
            (case.similarity or 0.0 if passes else _NEVER, case.is_true)
            for case, passes in zip(cases, passed, strict=True)
        ]
    )


def _best_threshold(scored: Sequence[tuple[float, bool]]) -> float:
    """The threshold with the best F1, given the score of each statement and whether it is true."""

    def f1(threshold: float) -> float:
        accepted = [is_true for score, is_true in scored if score >= threshold]
        wanted = sum(is_true for _, is_true in scored)
        return 2 * sum(accepted) / (len(accepted) + wanted)

    thresholds = [float(threshold) for threshold in np.round(np.arange(0.05, 0.96, 0.01), 2)]
    best = max(map(f1, thresholds))
    return next(threshold for threshold in thresholds if f1(threshold) >= best - _F1_TOLERANCE)


def count_verdicts(cases: Sequence[Case], idf: _Idf, threshold: float) -> Figures:
    """Verify every case with one threshold, for the wording and the similarity alike, and count the verdicts."""
    faults: Counter[str] = Counter()
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        verdict = verify_statement(
            case.statement,
            [case.passage],
            idf,
            case.similarity,
            min_wording=threshold,
            min_similarity=threshold,
        )
        by_kind[f"{'true' if case.is_true else 'false'}: {case.kind}"].append(verdict.supported)
        if verdict.fault and case.is_true:
            faults[verdict.fault] += 1
    true = [verdict for kind, verdicts in by_kind.items() if kind.startswith("true") for verdict in verdicts]
    false = [verdict for kind, verdicts in by_kind.items() if kind.startswith("false") for verdict in verdicts]
    return Figures(
        threshold=threshold,
        precision=round(sum(true) / max(sum(true) + sum(false), 1), 4),
        recall=round(sum(true) / len(true), 4),
        supported_true=sum(true),
        supported_false=sum(false),
        missed=len(true) - sum(true),
        refused=len(false) - sum(false),
        by_kind={kind: (sum(verdicts), len(verdicts)) for kind, verdicts in by_kind.items()},
        faults=dict(faults),
    )


def _as_json(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in Figures.__slots__}


def _print(name: str, result: dict[str, Any]) -> None:
    print(f"{name}: {result['cases']['measured_on']} statements, fitted on {result['cases']['fitted_on']} others")
    for which in ("fitted", "in_use"):
        figures = result[which]
        called_supported = figures["supported_true"] + figures["supported_false"]
        true = figures["supported_true"] + figures["missed"]
        print(
            f"  {which:<7} threshold {figures['threshold']:.2f}: precision {figures['precision']:.3f} "
            f"({figures['supported_true']} of {called_supported} called supported), "
            f"recall {figures['recall']:.3f} ({figures['missed']} of {true} missed)"
        )
    for kind, (supported, count) in result["in_use"]["by_kind"].items():
        print(f"    {kind:<30} {supported:>4} of {count:>4} called supported")
    print(f"    faults found in true statements: {result['in_use']['faults'] or 'none'}")


if __name__ == "__main__":
    main()
