"""How often the verification of statements errs: `python -m bench.verification SETS [--across] [--out FILE]`.

SETS is a folder that holds `cmrc2018-dev` and, for `--across`, `xquad-zh` and `xquad-en` (corpus.jsonl, queries.jsonl,
qrels.tsv). How statements are made of them, true and false, stands in `bench/verification_cases.py`.

The thresholds are fitted on the statements of every other question and the figures taken on the rest.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.results import commit, machine
from bench.verification_cases import Case, cases_across, cases_of
from rag.checks.verification import MIN_SIMILARITY, MIN_WORDING, verify_statement, wording

_TOLERANCE = 0.005
"""Of thresholds that do about as well the lowest is taken: people paraphrase more freely than a program."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the verdict "supported". By kind: how many were called supported, of how many."""

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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="the folder of the sets")
    parser.add_argument("--across", action="store_true", help="also across languages, with the built-in embedder")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    cases, statistics = cases_of(arguments.sets / "cmrc2018-dev")
    results = {"cmrc2018-dev": measured(cases, statistics.idf, in_use=MIN_WORDING, fit=fitted_wording)}
    if arguments.across:
        for one, other in (("xquad-zh", "xquad-en"), ("xquad-en", "xquad-zh")):
            cases, statistics = cases_across(arguments.sets / one, arguments.sets / other)
            fitted = measured(cases, statistics.idf, in_use=MIN_SIMILARITY, fit=fitted_similarity)
            results[f"{one} on {other}"] = fitted
    for name, result in results.items():
        _print(name, result)
    if arguments.out:
        figures = {
            "commit": commit(),
            "machine": machine(),
            "sets": results,
        }
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def measured(
    cases: Sequence[Case],
    idf: Callable[[str], float],
    *,
    in_use: float,
    fit: Callable[[Sequence[Case], Callable[[str], float]], float],
) -> dict[str, Any]:
    """The threshold fitted on one half, and the figures on the other with it and with the one in use."""
    fitted_on = [case for case in cases if case.is_fitted_on]
    rest = [case for case in cases if not case.is_fitted_on]
    fitted = fit(fitted_on, idf)
    return {
        "cases": {"fitted_on": len(fitted_on), "measured_on": len(rest)},
        "fitted": _as_json(figures(rest, idf, fitted)),
        "in_use": _as_json(figures(rest, idf, in_use)),
    }


def fitted_wording(cases: Sequence[Case], idf: Callable[[str], float]) -> float:
    exact = [(case, verify_statement(case.statement, [case.passage], idf, min_wording=0).supported) for case in cases]
    scored = [(wording(case.statement, case.passage, idf) if fine else -1.0, case.is_true) for case, fine in exact]
    return _best_threshold(scored)


def fitted_similarity(cases: Sequence[Case], idf: Callable[[str], float]) -> float:
    exact = [(case, verify_statement(case.statement, [case.passage], idf, None).supported) for case in cases]
    return _best_threshold([(case.similarity or 0.0 if fine else -1.0, case.is_true) for case, fine in exact])


def _best_threshold(scored: Sequence[tuple[float, bool]]) -> float:
    def f1(threshold: float) -> float:
        accepted = [is_true for score, is_true in scored if score >= threshold]
        wanted = sum(is_true for _, is_true in scored)
        return 2 * sum(accepted) / (len(accepted) + wanted)

    thresholds = [float(threshold) for threshold in np.round(np.arange(0.05, 0.96, 0.01), 2)]
    best = max(map(f1, thresholds))
    return next(threshold for threshold in thresholds if f1(threshold) >= best - _TOLERANCE)


def figures(cases: Sequence[Case], idf: Callable[[str], float], threshold: float) -> Figures:
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


def _as_json(found: Figures) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Figures.__slots__}


def _print(name: str, result: dict[str, Any]) -> None:
    print(f"{name}: {result['cases']['measured_on']} statements, fitted on {result['cases']['fitted_on']} others")
    for which in ("fitted", "in_use"):
        found = result[which]
        print(
            f"  {which:<7} threshold {found['threshold']:.2f}: precision {found['precision']:.3f} "
            f"({found['supported_true']} of {found['supported_true'] + found['supported_false']} called supported), "
            f"recall {found['recall']:.3f} ({found['missed']} of {found['supported_true'] + found['missed']} missed)"
        )
    for kind, (supported, count) in result["in_use"]["by_kind"].items():
        print(f"    {kind:<30} {supported:>4} of {count:>4} called supported")
    print(f"    faults found in true statements: {result['in_use']['faults'] or 'none'}")


if __name__ == "__main__":
    main()
