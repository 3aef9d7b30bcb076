"""`zhiwen eval`: the golden questions that ship pass, and a broken chunker makes it fail with the list of flips."""

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from ingest.golden.questions import load_golden, read_golden
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import Call, openai_server
from tests.kit.paths import ROOT
from tests.kit.processes import Outcome, Workspace, assert_one_line

QUESTIONS = load_golden(ROOT / "knowledge")
IN_A_TABLE = "向量数据库的知名组件"
A_LIST = "有哪些 AIGC 开发平台可以用？"
SOME_QUESTIONS = ("去哪里学提示词？", A_LIST, "学习路线的第一步学什么？", IN_A_TABLE, "代码大模型有哪些？")

WITH_A_BROKEN_CHUNKER = """
import ingest.staging.document_cutter as document_cutter
from api.cli.main import main

whole = document_cutter.chunk_sections
document_cutter.CHUNKER_VERSION = 999
document_cutter.chunk_sections = lambda *given, **options: [
    chunk for chunk in whole(*given, **options) if chunk.kind not in ("row", "table")
]
main()
"""


@pytest.fixture
def workspace(shipped_index: Path, tmp_path: Path) -> Workspace:
    """The documents that ship, ingested, with some of their questions."""
    workspace = Workspace.with_shipped_knowledge(tmp_path)
    workspace.keep_golden_questions(*SOME_QUESTIONS)
    shutil.copy2(shipped_index, workspace.database)
    return workspace


def run_with_a_broken_chunker(workspace: Workspace, *arguments: str) -> Outcome:
    """Run a `zhiwen` that drops the rows of tables."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_BROKEN_CHUNKER, *arguments],
        cwd=workspace.folder,
        env={**workspace.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def junit(workspace: Workspace) -> ET.Element:
    """The suite in the file `eval.xml`."""
    (suite,) = ET.parse(workspace.folder / "eval.xml").getroot()  # noqa: S314  (our own)
    return suite


def test_the_golden_questions_that_ship_pass(workspace: Workspace) -> None:
    workspace.take_golden_questions()
    outcome = workspace.run("eval", "--json", "--junit", "eval.xml")
    assert outcome.status == 0, outcome
    report = outcome.json
    assert (report["ok"], report["passed"], report["failed"]) == (True, len(QUESTIONS), 0)
    assert [each["question"] for each in report["outcomes"]] == [entry.question for entry in QUESTIONS]
    suite = junit(workspace)
    assert (suite.get("tests"), suite.get("failures")) == (str(len(QUESTIONS)), "0")


def test_a_broken_chunker_is_held_back_by_the_gate_and_fails_the_evaluation_with_the_flips(
    workspace: Workspace,
) -> None:
    assert workspace.run("eval").status == 0
    held_back = run_with_a_broken_chunker(workspace, "ingest")
    assert_one_line(held_back, 1, "Answers that flip", IN_A_TABLE, "--force")
    assert run_with_a_broken_chunker(workspace, "ingest", "--force").status == 0

    outcome = workspace.run("eval", "--junit", "eval.xml")
    assert outcome.status == 1
    flips = outcome.out.partition("Passed before and fail now: ")[2]
    assert f"✗ {IN_A_TABLE}\n" in flips
    assert "passage not found: 向量数据库, Milvus, PingCAP" in flips
    assert "+ " in flips
    assert "Milvus, PingCAP" in flips.partition("    − ")[2], "the answer before"
    assert A_LIST not in flips, "a list"
    failed = {case.get("name") for case in junit(workspace) if case.find("failure") is not None}
    assert IN_A_TABLE in failed

    again = workspace.run("eval", "--json")
    assert again.status == 1, "a bad run is no baseline"
    assert {flip["question"] for flip in again.json["flipped"]} == failed
    with_previous = workspace.run("eval", "--json", "--generation", "previous")
    assert (with_previous.status, with_previous.json["baseline"]["name"]) == (1, "previous")
    assert {flip["question"] for flip in with_previous.json["flipped"]} == failed
    (workspace.folder / "bad.json").write_text(again.out)
    assert workspace.run("eval", "--baseline", "bad.json").status == 0, "what failed there is known"


def test_a_running_server_answers(workspace: Workspace) -> None:
    with workspace.serving() as server:
        outcome = workspace.run("eval", "--json")
        drafted = workspace.run("eval", "--draft", "3")
        assert server.client.post("/evaluation", json={"questions": []}).status_code == 422
    assert (outcome.status, outcome.json["passed"]) == (0, len(SOME_QUESTIONS))
    assert len(yaml.safe_load(drafted.out)["questions"]) == 3
    assert (workspace.folder / "evaluations").is_dir()


def test_evaluations_leave_no_traces_and_take_no_answer_from_the_cache(workspace: Workspace) -> None:
    with workspace.serving() as server:
        asked = server.client.post("/ask", json={"question": IN_A_TABLE}).json()
        assert workspace.run("eval").status == 0
        again = server.client.post("/ask", json={"question": SOME_QUESTIONS[0]}).json()
    assert asked["cached"] is False
    assert again["cached"] is False, "the evaluation asked it, and left no answer in the cache"


def test_drafts_are_golden_questions_for_a_new_file(workspace: Workspace) -> None:
    assert workspace.run("eval", "drafts.yaml", "--draft", "5").status == 0
    path = workspace.folder / "drafts.yaml"
    assert len(read_golden(path)) == 5
    assert path.read_text("utf-8").startswith("# Drafted from generation 1 by rules.")
    assert_one_line(workspace.run("eval", "drafts.yaml", "--draft", "5"), 2, "drafts.yaml exists")
    assert workspace.run("eval", "drafts.yaml", "--json").json["passed"] >= 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.yaml",), "missing.yaml cannot be read"),
        (("--baseline", "missing.json"), "missing.json cannot be read"),
        (("--judge",), "--judge needs a chat model"),
    ],
)
def test_bad_input_is_one_line_that_names_it(workspace: Workspace, arguments: tuple[str, ...], words: str) -> None:
    assert_one_line(workspace.run("eval", *arguments), 2, words)


def test_a_folder_without_golden_questions_says_how_to_get_some(workspace: Workspace) -> None:
    (workspace.knowledge / "golden.yaml").unlink()
    assert_one_line(workspace.run("eval"), 2, "golden.yaml", "zhiwen eval --draft 20")


def test_without_an_earlier_generation_there_is_nothing_to_compare_with(workspace: Workspace) -> None:
    outcome = workspace.run("eval", "--generation", "previous", "--json")
    assert (outcome.status, outcome.json["error"]["code"]) == (1, "no_earlier_generation")


def test_a_model_answers_follow_ups_and_judges(workspace: Workspace) -> None:
    """The model quotes its first passage, and finds one of two answers wrong."""

    def play(call: Call) -> None:
        messages = json.dumps(call.body["messages"], ensure_ascii=False)
        reply = "Milvus [1]"
        if "<reference>" in messages:
            reply = "NO 少了 PingCAP" if "PingCAP" in call.prompt.partition("<answer>")[0] else "YES"
        completion(reply)(call)

    golden = [
        {"question": IN_A_TABLE, "reference": "Milvus 和 PingCAP"},
        {
            "question": "那向量数据库呢？",
            "conversation": ["GPU 集群有哪些组件？"],
            "reference": "Milvus",
            "answer": ["Milvus"],
        },
        {"question": "向量数据库有哪些知名组件？", "answer": ["Milvus"]},
    ]
    (workspace.folder / "judged.yaml").write_text(yaml.safe_dump({"questions": golden}), "utf-8")
    with openai_server(play) as model:
        outcome = workspace.given(
            ZHIWEN_CHAT__PROVIDER="custom", ZHIWEN_CHAT__BASE_URL=model.base_url, ZHIWEN_CHAT__MODEL="m"
        ).run("eval", "judged.yaml", "--judge", "--json")
    assert outcome.status == 1, outcome
    first, second, third = outcome.json["outcomes"]
    assert first["failures"] == [{"check": "reference", "detail": "少了 PingCAP"}]
    assert (second["passed"], third["passed"]) == (True, True), outcome.json
    assert outcome.json["models"] == ["custom/m"]
