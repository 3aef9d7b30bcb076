"""How well questions that nobody could answer are grouped by topic, with the built-in embedder.

    python -m bench.gaps [--fit] [--results bench/results/gaps.json]

Groups 300 synthetic questions of 12 topics, half of them Chinese and half English, and compares the groups with the
topics: the adjusted Rand index is 1 if they are the same, and about 0 if questions were grouped by chance. Five draws
of the questions are measured; the first is the one that the test asks for. `--fit` prints the index of the topics that
the least similarity was chosen on, for each value of it.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from sklearn.metrics import adjusted_rand_score

from bench.gap_questions import FITTED, HELD_OUT, Names, TopicQuestion, questions_of
from bench.results import write_result
from rag.gaps.clusters import cluster_vectors
from rag.gaps.question_vectors import MIN_SIMILARITY, QuestionVectors
from rag.models.embedders.builtin import BuiltinEmbedder

_DRAWS = (20, 21, 22, 23, 24)


def main() -> None:
    """Print the index of every draw, and with `--fit` that of every least similarity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="print the index of the other topics by least similarity")
    parser.add_argument("--results", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    vectors = QuestionVectors(BuiltinEmbedder())
    if arguments.fit:
        _print_fit(vectors)
    started = time.perf_counter()
    found = [measure(questions_of(HELD_OUT, seed=seed), vectors) for seed in _DRAWS]
    seconds = (time.perf_counter() - started) / len(_DRAWS)
    for seed, (index, groups) in zip(_DRAWS, found, strict=True):
        print(f"draw {seed}  adjusted Rand index {index:.3f}  groups {groups}")
    print(f"mean {mean(index for index, _ in found):.3f}, {seconds:.2f} s for 300 questions")
    if arguments.results:
        figures = {
            "questions": 300,
            "topics": len(HELD_OUT),
            "min_similarity": MIN_SIMILARITY,
            "adjusted_rand_index": [round(index, 3) for index, _ in found],
            "groups": [groups for _, groups in found],
            "seconds": round(seconds, 2),
        }
        write_result(arguments.results, figures)


def measure(
    questions: Sequence[TopicQuestion], vectors: QuestionVectors, *, min_similarity: float = MIN_SIMILARITY
) -> tuple[float, int]:
    """Return the adjusted Rand index of the groups against the topics, and the number of groups."""
    matrix = vectors.of([each.question for each in questions])
    groups = cluster_vectors(matrix, min_similarity=min_similarity)
    labels = np.empty(len(questions), dtype=int)
    for label, rows in enumerate(groups):
        labels[rows] = label
    return float(adjusted_rand_score([each.topic for each in questions], labels)), len(groups)


def skewed(topics: Mapping[str, Names], *, hot: str, seed: int) -> list[TopicQuestion]:
    """Return all questions of one topic and two of each other: what everybody asks lately."""
    questions = questions_of(topics, seed=seed)
    others = [[each for each in questions if each.topic == topic][:2] for topic in topics if topic != hot]
    return [*(each for each in questions if each.topic == hot), *(each for some in others for each in some)]


def _print_fit(vectors: QuestionVectors) -> None:
    even = [questions_of(FITTED, seed=seed) for seed in _DRAWS]
    uneven = [skewed(FITTED, hot=topic, seed=seed) for topic, seed in zip(FITTED, _DRAWS, strict=False)]
    for least in np.arange(0.05, 0.4, 0.05):
        for name, draws in (("even", even), ("one topic of 25, others of 2", uneven)):
            found = [measure(draw, vectors, min_similarity=float(least))[0] for draw in draws]
            print(f"fit  least similarity {least:.2f}  {name:<28}  mean {mean(found):.3f}  least {min(found):.3f}")


if __name__ == "__main__":
    main()
