"""Count answers without a chat model: what is refused, and whether quotes hold what the reference answer says.

    python -m bench.quoted_answers SETDIR [--every N] [--work DIR] [--results bench/results/quoted_answers.json]

Every Nth question with an answer and all without one are asked. Of questions with a reference answer, the benchmark
counts those for which the text holds at least 70 % of its pairs of characters: of the whole answer, and of the best
passage alone. The index is kept below `--work`.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.evaluation_sets import EvaluationSet, Query, load_set
from bench.index import open_index
from bench.results import report
from rag.answering.answer import final_answer
from rag.text.likeness import share_of
from rag.types import Answer
from rag.wiring import Services

_HOLDS = 0.7


def main() -> None:
    """Ask the questions, print the shares, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="folder of an evaluation set")
    parser.add_argument("--every", type=int, default=1, help="ask every Nth question that has an answer")
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench"), help="keep indexes in this folder")
    parser.add_argument("--results", type=Path, help="add the shares to this JSON file")
    arguments = parser.parse_args()
    evaluation = load_set(arguments.set)
    result = measure(evaluation, arguments.work, arguments.every)
    report(evaluation.name, result, arguments.results)


def measure(evaluation: EvaluationSet, work: Path, every: int) -> dict[str, object]:
    """Return the number of questions and the shares (0..1) of them."""
    with open_index(evaluation, work) as index:
        services = index.services
        answerable = evaluation.queries[::every]
        answers = _ask(answerable, services)
        unanswerable = _ask(evaluation.unanswerable, services)
        pairs = [(query, answer) for query, answer in zip(answerable, answers, strict=True) if query.answers]
        passages = [services.searcher.search(query.text).hits[0].chunk.searchable_text for query, _ in pairs]
    return {
        "answerable": len(answerable),
        "wrongly_refused": _share(answer.refused for answer in answers),
        "unanswerable": len(unanswerable),
        "rightly_refused": _share(answer.refused for answer in unanswerable),
        "with_reference": len(pairs),
        "answer_holds_reference": _share(_holds(answer.text, query) for query, answer in pairs),
        "best_passage_holds_reference": _share(
            _holds(text, query) for text, (query, _) in zip(passages, pairs, strict=True)
        ),
    }


def _ask(questions: Sequence[Query], services: Services) -> list[Answer]:
    answers = []
    for number, question in enumerate(questions, 1):
        answers.append(asyncio.run(final_answer(services.answerer.answer(question.text))))
        if number % 500 == 0:
            print(f"{number} of {len(questions)} questions asked", file=sys.stderr)
    return answers


def _holds(text: str, query: Query) -> bool:
    return any(share_of(answer, text) >= _HOLDS for answer in query.answers)


def _share(outcomes: Iterable[bool]) -> float:
    counted = list(outcomes)
    return round(sum(counted) / len(counted), 3) if counted else 0.0


if __name__ == "__main__":
    main()
