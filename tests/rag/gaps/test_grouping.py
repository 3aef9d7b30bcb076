"""Questions by meaning, with the built-in embedder, and what is said of each group."""

from collections.abc import Sequence

import numpy as np
import pytest

from rag.errors import TextsRefused
from rag.gaps.grouping import group_questions
from rag.gaps.question_vectors import QuestionVectors
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import Matrix, OnEmbedded, ignore_embedded
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.state.questions import KeptQuestion, Problem


@pytest.fixture(scope="module")
def vectors() -> QuestionVectors:
    return QuestionVectors(BuiltinEmbedder())


def kept(question: str, at: float, problem: Problem = "refused", answer: str = "") -> KeptQuestion:
    return KeptQuestion(answer or f"{question}{at}", problem, at, "page", question)


def test_one_need_in_several_words_and_two_languages_is_one_gap(vectors: QuestionVectors) -> None:
    asked = (
        "打印机卡纸怎么办？",
        "打印机怎么连接？",
        "How do I connect the printer?",
        "年假有几天？",
        "谁是法国总统？",
    )
    gaps = group_questions([kept(question, at) for at, question in enumerate(asked)], vectors)
    assert [set(gap.questions) for gap in gaps] == [set(asked[:3]), {asked[4]}, {asked[3]}]


def test_a_gap_counts_answers_and_knows_its_times_and_problems(vectors: QuestionVectors) -> None:
    asked = [
        kept("年假有几天？", 30.0),
        kept("年假  有几天？\n", 10.0, "unverified", "one"),
        kept("年假  有几天？", 10.0, "disliked", "one"),
        kept("年假一共几天？", 20.0),
    ]
    [gap] = group_questions(asked, vectors)
    assert (gap.asked, gap.first_asked, gap.last_asked) == (3, 10.0, 30.0)
    assert gap.problems == {"refused": 2, "unverified": 1, "disliked": 1}
    assert len(gap.questions) == 3
    assert gap.question in gap.questions


def test_no_questions_are_no_gaps_and_embed_nothing() -> None:
    assert group_questions([], QuestionVectors(Refusing())) == []


class Refusing(ScriptedEmbedder):
    """An embedder that refuses one text, as endpoints do."""

    refused = "x" * 100

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        taken = [position for position, text in enumerate(texts) if text != self.refused]
        on_embedded(taken, super().embed_documents([texts[position] for position in taken]))
        if len(taken) < len(texts):
            raise TextsRefused("too long", {texts.index(self.refused): "too long"})
        return np.zeros((0, self.dimension), dtype=np.float32)


def test_a_question_that_the_embedder_refuses_stands_alone() -> None:
    asked = [kept("cats", 1.0), kept(Refusing.refused, 2.0), kept("cats and cats", 3.0)]
    gaps = group_questions(asked, QuestionVectors(Refusing()))
    assert (Refusing.refused,) in [gap.questions for gap in gaps]
    assert sum(gap.asked for gap in gaps) == 3


def test_only_new_questions_are_embedded_again() -> None:
    embedder = ScriptedEmbedder()
    vectors = QuestionVectors(embedder)
    vectors.of(["one", "two"])
    embedder.texts.clear()
    again = vectors.of(["two", "three", "one"])
    assert embedder.texts == ["three"]
    assert again.shape == (3, embedder.dimension)
