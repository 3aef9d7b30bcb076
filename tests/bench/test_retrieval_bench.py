"""The retrieval benchmark, run as a command on a set that is small enough to check by eye."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.paths import ROOT

DOCUMENTS = {
    "tide": ("Tide", "The tide comes in twice a day and lifts the boats."),
    "lamp": ("Lamp", "The lamp of the lighthouse is lit with whale oil."),
    "gull": ("Gull", "A gull nests on the northern cliff in spring."),
}
QUESTIONS = {"1": ("When does the tide come in?", "tide"), "2": ("What is the lamp lit with?", "lamp")}


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_lines(folder / "corpus.jsonl", [{"_id": n, "title": t, "text": x} for n, (t, x) in DOCUMENTS.items()])
    write_lines(folder / "queries.jsonl", [{"_id": n, "text": text} for n, (text, _) in QUESTIONS.items()])
    write_lines(folder / "unanswerable.jsonl", [{"_id": "3", "text": "Who painted the Mona Lisa?"}])
    (folder / "docs").mkdir()
    for name, (title, text) in DOCUMENTS.items():
        (folder / "docs" / f"{name}.md").write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    for name, ending in (("qrels.tsv", ""), ("qrels.files.tsv", ".md")):
        rows = [f"{query}\t{document}{ending}\t1" for query, (_, document) in QUESTIONS.items()]
        (folder / name).write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def write_lines(path: Path, values: list[dict[str, str]]) -> None:
    path.write_text("\n".join(json.dumps(value) for value in values), encoding="utf-8")


def run(small_set: Path, work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.retrieval", str(small_set), "--work", str(work), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_it_prints_the_figures_writes_them_with_the_commit_and_keeps_the_index(small_set: Path, work: Path) -> None:
    results, out = work / "results.json", work / "run.jsonl"
    first = run(small_set, work, "--results", str(results), "--out", str(out))
    (result,) = read(results).values()
    assert {"commit", "machine", "chunks", "questions", "embedder", "figures", "refusal"} <= result.keys()
    assert (result["chunks"], result["questions"]) == (3, 2)
    assert list(result["figures"]) == ["dense", "lexical", "rrf", "hybrid"]
    assert result["figures"]["hybrid"] == dict.fromkeys(result["figures"]["hybrid"], 1.0)
    assert result["refusal"]["probability"] == {"area_under_curve": 1.0, "refused_at_95_kept": 1.0}
    assert ["hybrid", "1.0000"] in [line.split()[:2] for line in first.stdout.splitlines()]
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["_id"] for line in lines] == ["1", "2", "3"]
    assert [line["hits"][0]["doc"] for line in lines[:2]] == ["tide", "lamp"]
    database = next(work.glob("small0-*/milvus.db"))
    before = database.stat().st_mtime_ns
    assert "rrf" not in run(small_set, work, "--mode", "dense").stdout
    assert database.stat().st_mtime_ns == before, "the second run must reuse the index"


def test_it_indexes_a_tree_of_files_as_it_is(small_set: Path, work: Path) -> None:
    results = work / "files.json"
    run(small_set, work, "--files", "--results", str(results))
    (result,) = read(results).values()
    assert result["figures"]["hybrid"]["ndcg_10"] == 1.0
