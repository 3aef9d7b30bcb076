"""The benchmark of quoted answers on a set that is small enough to check by eye."""

import json
from pathlib import Path

from bench.evaluation_sets import load_set
from bench.quoted_answers import measure

DOCUMENTS = {
    "tide": "The tide comes in twice a day and lifts the boats.",
    "lamp": "The lamp of the lighthouse is lit with whale oil. A gull nests below it in spring.",
}


def test_it_counts_refusals_and_what_quotes_hold_of_the_reference(tmp_path: Path) -> None:
    queries = [
        {"_id": "1", "text": "When does the tide come in?", "metadata": {"answers": ["twice a day"]}},
        {"_id": "2", "text": "What is the lamp lit with?", "metadata": {"answers": ["a candle of beeswax"]}},
        {"_id": "3", "text": "How often does the tide lift the boats?"},
    ]
    _write(tmp_path / "corpus.jsonl", [{"_id": name, "title": name, "text": text} for name, text in DOCUMENTS.items()])
    _write(tmp_path / "queries.jsonl", queries)
    _write(tmp_path / "unanswerable.jsonl", [{"_id": "4", "text": "Who painted the Mona Lisa?"}])
    judged = ["1\ttide\t1", "2\tlamp\t1", "3\ttide\t1"]
    (tmp_path / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]), encoding="utf-8")
    assert measure(load_set(tmp_path), tmp_path / "work", every=1) == {
        "answerable": 3,
        "wrongly_refused": 0.0,
        "unanswerable": 1,
        "rightly_refused": 1.0,
        "with_reference": 2,
        "answer_holds_reference": 0.5,
        "best_passage_holds_reference": 0.5,
    }


def _write(path: Path, values: list[dict[str, object]]) -> None:
    path.write_text("\n".join(json.dumps(value) for value in values), encoding="utf-8")
