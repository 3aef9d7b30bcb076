"""The benchmark of a small model records what a model writes, and counts what becomes of it."""

from bench.small_model import SETS, measure, read_questions
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import openai_server

OUTPUT = "The warranty of the Falcon widget lasts 36 months [1]."


def test_every_output_is_recorded_and_right_answers_are_counted() -> None:
    with openai_server(completion(OUTPUT)) as server:
        counts, outputs = measure("english", server.base_url)
    assert counts["answerable"] == 9
    assert 5 <= counts["right_without_model"] <= 9
    assert counts["right_with_model"] >= 1
    assert len(outputs) >= 5
    for recorded in outputs:
        assert (recorded["set"], recorded["output"], recorded["truncated"]) == ("english", OUTPUT, False)


def test_all_questions_of_both_sets_can_be_read() -> None:
    shipped = list(read_questions(SETS["shipped"][1]))
    assert (len(shipped), sum(question.facts is None for question in shipped)) == (50, 10)
