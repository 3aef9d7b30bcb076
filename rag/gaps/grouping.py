"""Group questions by meaning: what many people asked for in different words is one gap."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.gaps.clusters import cluster_vectors
from rag.gaps.question_vectors import MIN_SIMILARITY, QuestionVectors
from rag.models.embedders.protocol import Matrix
from rag.state.questions import KeptQuestion, Problem

MAX_DISTINCT = 2000
"""The number of different questions that are grouped, the newest: their similarities take 16 MB."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask for the same thing.

    `question` is the most typical of them, `questions` are all of them, the most frequent first, each once. `asked`
    counts the answers with a problem, `problems` each kind of problem: an answer may be unverified and disliked. Times
    are in seconds since 1970, UTC.
    """

    question: str
    questions: tuple[str, ...]
    asked: int
    problems: Mapping[Problem, int]
    first_asked: float
    last_asked: float


def group_questions(kept: Sequence[KeptQuestion], vectors: QuestionVectors) -> list[Gap]:
    """Return the gaps, those with most askings first, and of equals the latest first. Raises EmbedderError.

    Only the newest `MAX_DISTINCT` different questions are grouped; the others are left out.
    """
    by_text: dict[str, list[KeptQuestion]] = {}
    for question in sorted(kept, key=lambda each: -each.asked_at):
        by_text.setdefault(" ".join(question.question.split()), []).append(question)
    texts = list(by_text)[:MAX_DISTINCT]
    if not texts:
        return []
    matrix = vectors.of(texts)
    groups = cluster_vectors(matrix, min_similarity=MIN_SIMILARITY)
    gaps = [_gap({texts[row]: by_text[texts[row]] for row in rows}, matrix[rows]) for rows in groups]
    return sorted(gaps, key=lambda gap: (-gap.asked, -gap.last_asked))


def _gap(members: Mapping[str, Sequence[KeptQuestion]], vectors: Matrix) -> Gap:
    every = [kept for some in members.values() for kept in some]
    times = [kept.asked_at for kept in every]
    askings = {text: len({kept.trace_id for kept in some}) for text, some in members.items()}
    typical = int(np.argmax(vectors @ (np.array(list(askings.values())) @ vectors)))
    return Gap(
        question=list(members)[typical],
        questions=tuple(sorted(askings, key=lambda text: -askings[text])),
        asked=len({kept.trace_id for kept in every}),
        problems=Counter(kept.problem for kept in every),
        first_asked=min(times),
        last_asked=max(times),
    )
