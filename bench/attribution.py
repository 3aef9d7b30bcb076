"""Measure where statements end whose citation markers are missing or wrong.

    python -m bench.attribution SETS [--out FILE]

`SETS` is a folder with the set `cmrc2018-dev` (corpus.jsonl, queries.jsonl with evidence sentences, qrels.tsv). Each
evidence sentence, as it is or paraphrased, is an answer of one sentence, with six passages on offer: its own and the
five others that share the most terms with it. Its marker is right, missing, or that of one of the others. A sentence
ends at a passage that supports it if that is its own or has the whole sentence word for word.

Printed are the shares of all sentences that end at their passage, at another one, and without a supported marker;
`--out FILE` writes them as JSON. The figures of the repository are in bench/results/attribution.json.
"""

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.results import write_result
from bench.verification_cases import Case, monolingual_cases, nearest_finder
from rag.checks.answer_verification import verify_answer

_SEED = 20261129
_OTHERS = 5
_KINDS = ("evidence", "punctuation changed", "clause dropped", "clauses reordered")
_MARKERS = ("right", "missing", "wrong")


def main() -> None:
    """Measure, print the figures, and write them if `--out` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of the sets")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    cases, statistics = monolingual_cases(arguments.sets / "cmrc2018-dev")
    texts = {text: text for text in dict.fromkeys(case.passage for case in cases)}
    nearest = nearest_finder(texts, statistics)
    measured = [case for case in cases if case.is_true and case.kind in _KINDS and not case.is_fitted_on]
    figures = {marker: measure(measured, marker, nearest, statistics.idf) for marker in _MARKERS}
    for marker, shares in figures.items():
        print(f"{marker:<8} " + ", ".join(f"{end} {share:.1%}" for end, share in shares.items()))
    if arguments.out:
        write_result(arguments.out, {"sentences": len(measured), "ends": figures})


def measure(
    cases: Sequence[Case],
    marker: str,
    nearest: Callable[[str, str], list[str]],
    idf: Callable[[str], float],
) -> dict[str, float]:
    """Return the shares (0..1) of the sentences by where they end, if each has the `marker`."""
    choose = random.Random(_SEED)  # noqa: S311  (a repeatable choice, no secret)
    ends = Counter({"supporting": 0, "other": 0, "unverified": 0})
    for case in cases:
        offered = [case.passage, *nearest(case.statement, case.passage)[:_OTHERS]]
        choose.shuffle(offered)
        own = offered.index(case.passage) + 1
        wrong = choose.choice([number for number in range(1, len(offered) + 1) if number != own])
        written = {"right": f" [{own}]", "missing": "", "wrong": f" [{wrong}]"}[marker]
        said = case.statement.rstrip("。")
        checked = verify_answer(f"{said}{written}。", dict(enumerate(offered, 1)), idf).checked
        for one in checked:
            ends[_end(one.numbers, offered, own, said, is_supported=one.verdict.supported)] += 1
    return {end: round(count / ends.total(), 4) for end, count in ends.items()}


def _end(numbers: Sequence[int], offered: Sequence[str], own: int, said: str, *, is_supported: bool) -> str:
    if not is_supported:
        return "unverified"
    is_there = any(_letters(said) in _letters(offered[number - 1]) for number in numbers)
    return "supporting" if own in numbers or is_there else "other"


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


if __name__ == "__main__":
    main()
