"""The bench of latency asks every question in each way, over a folder and over an evaluation set."""

import json
from pathlib import Path
from typing import Any

from bench.latency import measure
from tests.kit.corpus import BASE, Folder


def check(result: dict[str, Any], questions: int) -> None:
    assert result["questions"] == questions
    # Rounded to a tenth of a millisecond, which takes any request.
    assert result["search_milliseconds"]["p50"] > 0
    for way in ("/search clients=1", "/search clients=8", "/ask clients=1", "/ask clients=8"):
        assert 0 < result[way]["p50"] <= result[way]["p95"]
        assert result[way]["per_second"] > 0
    stages = result["stage_milliseconds"]
    assert {"embed", "dense", "lexical", "read", "fuse", "evidence", "search", "total"} <= stages.keys()
    assert 0 < stages["search"]["p50"] <= stages["total"]["p50"]


def test_the_headings_of_a_folder_are_asked(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "docs")
    for source, text in BASE.items():
        folder.write(source, text)
    result = measure(folder.root, tmp_path / "work", count=5)
    check(result, questions=5)
    assert result["chunks"] > len(BASE)


def test_the_questions_of_a_set_are_asked(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = {
        "corpus": {"_id": "d", "title": "Tide", "text": "It comes in twice."},
        "queries": {"_id": "q", "text": "Tide?"},
    }
    for name, row in rows.items():
        (folder / f"{name}.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n", encoding="utf-8")
    result = measure(folder, tmp_path / "work", count=5)
    check(result, questions=1)
    assert result["chunks"] == 1
