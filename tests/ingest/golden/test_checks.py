"""Passages and answers against what is expected of them."""

import pytest

from ingest.golden.checks import Failure, check_answer, check_passages
from ingest.golden.questions import GoldenQuestion
from rag.types import Answer, AnswerReason, Chunk, Citation

CHUNK = Chunk("1", "a.md", "Birds", ("Birds", "Herons"), "", "text", 0, "g", 1, 1, "The heron nests in March.")


def entry(**expected: object) -> GoldenQuestion:
    return GoldenQuestion.model_validate({"question": "When?", **expected})


def answer(text: str, *sources: str, reason: AnswerReason | None = None) -> Answer:
    citations = tuple(Citation(1, source, (), "", 1, 1, text, source) for source in sources)
    return Answer(text, citations, "extractive", 1, "t", reason)


@pytest.mark.parametrize(
    ("expected", "detail"),
    [
        ({"expect": ["HERON", "in  March"]}, None),
        ({"expect": ["heron", "April"]}, "heron, April"),
        ({"expect": ["heron"], "source": "a.md"}, None),
        ({"expect": ["heron"], "source": "b.md"}, "heron, b.md"),
        ({"heading": "herons"}, None),
        ({"heading": "Storks", "source": "a.md"}, "Storks, a.md"),
        ({"refused": True}, None),
    ],
)
def test_the_passage_has_the_words_the_source_and_the_heading(expected: dict[str, object], detail: str | None) -> None:
    failures = [] if detail is None else [Failure("passage", detail)]
    assert list(check_passages(entry(**expected), [CHUNK])) == failures


@pytest.mark.parametrize(
    ("expected", "failures"),
    [
        ({"answer": ["march"]}, []),
        ({"answer": ["March", "April", "May"]}, [Failure("answer", "April"), Failure("answer", "May")]),
        ({"answer": [["April", "March"]]}, []),
        ({"answer": [["April", "May"]]}, [Failure("answer", "April | May")]),
        ({"forbid": ["April"]}, []),
        ({"forbid": ["nests IN March"]}, [Failure("forbidden", "nests IN March")]),
        ({"source": "a.md"}, []),
        ({"source": "b.md"}, [Failure("citation", "b.md")]),
        ({"refused": True}, [Failure("answered")]),
    ],
)
def test_an_answer_says_what_it_must_and_not_what_it_must_not(
    expected: dict[str, object], failures: list[Failure]
) -> None:
    assert list(check_answer(entry(**expected), answer("The heron nests in March [1].", "a.md"))) == failures


@pytest.mark.parametrize("expected", [{"answer": ["March"], "source": "a.md"}, {"expect": ["heron"]}])
def test_a_refusal_is_one_failure_unless_it_is_expected(expected: dict[str, object]) -> None:
    refusal = answer("No.", reason="no_evidence")
    assert list(check_answer(entry(**expected), refusal)) == [Failure("refused", "no_evidence")]
    assert list(check_answer(entry(refused=True), refusal)) == []
