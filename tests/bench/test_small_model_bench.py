"""The benchmark of a small model records what a model writes, and counts what becomes of it."""

import json
from pathlib import Path

from bench.small_model import SETS, measure, measure_evaluation_set, read_questions
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


def test_every_eighth_question_of_another_set_is_asked(tmp_path: Path) -> None:
    documents = [
        {"_id": str(number), "title": f"Pump {number}", "text": f"Pump {number} weighs {number + 40} kg."}
        for number in range(9)
    ]
    queries = [
        {"_id": name, "text": f"How much does {title} weigh?", "metadata": {"answers": [f"{int(name) + 40} kg"]}}
        for name, title in ((each["_id"], each["title"]) for each in documents)
    ]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    lines = [f"{query['_id']}\t{query['_id']}\t1" for query in queries]
    (tmp_path / "qrels.tsv").write_text("\n".join(["query\tdocument\tgain", *lines]), encoding="utf-8")
    with openai_server(completion("Pump 0 weighs 40 kg [1].")) as server:
        counts = measure_evaluation_set(tmp_path, server.base_url)
    assert counts["answerable"] == 2
    assert counts["right_with_model"] >= 1


def test_all_questions_of_both_sets_can_be_read() -> None:
    shipped = list(read_questions(SETS["shipped"][1]))
    assert (len(shipped), sum(question.facts is None for question in shipped)) == (50, 10)
