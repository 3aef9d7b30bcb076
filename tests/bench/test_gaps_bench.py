"""Questions of known topics are grouped by topic: an adjusted Rand index of at least .7 with the built-in embedder."""

from bench.gap_questions import FITTED, HELD_OUT, questions_of
from bench.gaps import measure
from rag.gaps.question_vectors import QuestionVectors
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.text.language import detect_language


def test_300_questions_of_12_topics_are_grouped_by_topic() -> None:
    questions = questions_of(HELD_OUT)
    index, groups = measure(questions, QuestionVectors(BuiltinEmbedder()))
    assert index >= 0.7
    assert 8 <= groups <= 24


def test_the_questions_are_distinct_in_both_languages_and_of_other_topics_than_those_fitted() -> None:
    questions = questions_of(HELD_OUT)
    assert len({each.question for each in questions}) == 300
    assert {topic: sum(each.topic == topic for each in questions) for topic in HELD_OUT} == dict.fromkeys(HELD_OUT, 25)
    assert 140 <= sum(detect_language(each.question) == "zh" for each in questions) <= 160
    assert not FITTED.keys() & HELD_OUT.keys()
