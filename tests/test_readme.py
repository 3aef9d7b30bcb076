"""The README is short, its figures are those that were measured, and its example is what people see.

That it agrees with its translation, and that what it names exists, is tested in tests/docs.
"""

import json
import re
from typing import Any

import pytest

from tests.kit.markdown import READMES, MarkdownFile
from tests.kit.paths import ROOT

MAX_LINES = 150

readmes = pytest.mark.parametrize("readme", READMES, ids=str)


@readmes
def test_it_has_at_most_150_lines(readme: MarkdownFile) -> None:
    assert len(readme.text.splitlines()) <= MAX_LINES


@readmes
def test_the_first_screen_says_what_it_is_and_for_whom_and_shows_it(readme: MarkdownFile) -> None:
    screen = "\n".join(readme.text.splitlines()[:20])
    assert len(re.findall(r"^- \*\*", screen, re.MULTILINE)) == 2, "for whom it is, and for whom it is not"
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme.text)
    assert picture in screen
    assert (ROOT / picture).is_file()


@readmes
def test_it_begins_with_two_commands_and_names_what_ci_calls(readme: MarkdownFile) -> None:
    assert [line[:2] for line in readme.shell_lines()[:2]] == [
        ["make", "ask"],
        ["make", "serve"],
    ]
    assert {line[0] for line in readme.command_lines("make")} >= {"ask", "serve", "check", "test"}
    assert "make test" in (ROOT / ".ci/run").read_text("utf-8")


@readmes
def test_the_answer_shown_stands_in_the_knowledge_that_ships(readme: MarkdownFile) -> None:
    shown = next(block for block in readme.blocks("text") if "[1]" in block)
    match = re.search(r"^\[1\] knowledge/([\w.]+):(\d+) ", shown, re.MULTILINE)
    assert match
    line = (ROOT / "knowledge" / match[1]).read_text("utf-8").splitlines()[int(match[2]) - 1]
    quoted = shown.split("\n")[0].removesuffix(" [1]")
    assert quoted.rpartition(": ")[2] in line
    asked = next(line[1] for line in readme.command_lines("make") if line[0] == "ask")
    assert asked == "q=向量数据库有哪些知名组件？"


@readmes
def test_every_figure_is_what_its_command_has_measured(readme: MarkdownFile) -> None:
    rows = {
        command.split()[2]: row for row in readme.table_rows() for command in re.findall(r"`(python [^`]+)`", row[-1])
    }
    verified = results("verification")["sets"]["cmrc2018-dev"]["in_use"]
    fused = results("fusion")
    steps = {step["step"]: step for step in results("reingest")["steps"]}
    ingested = results("ingest")["builtin/multilingual-e5-small"]
    answering = results("answering")["answering"]
    expected = {
        "bench.verification": [share(verified["precision"]), share(verified["recall"])],
        "bench.calibrate": [f"{100 * calibrated():.0f}"],
        "bench.fusion": [
            share(fused[name][kind]) for name in ("xquad-zh", "xquad-en on xquad-zh") for kind in ("held_out", "rrf")
        ],
        "bench.reingest": [
            f"{steps['first ingest']['documents_touched']:,}",
            f"{steps['nothing changed']['seconds']:.1f}",
            str(steps["10 paragraphs edited"]["embedded"]),
        ],
        "bench.ingest": [
            f"{ingested['documents']:,}",
            f"{ingested['chunks']:,}",
            f"{ingested['seconds']:.0f}",
            f"{100 * ingested['ratio']:.0f}",
            str(sum(ingested["peak_mb"].values())),
        ],
        "bench.answering": [
            f"{answering['median_overhead_milliseconds']:.0f}",
            str(answering["concurrent_streams"]),
            answering["complete"].split(" ")[0],
        ],
    }
    assert rows.keys() == expected.keys()
    for command, figures in expected.items():
        missing = [
            figure for figure in figures if not re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d)", rows[command][1])
        ]
        assert missing == [], command


def results(name: str) -> Any:
    return json.loads((ROOT / "bench/results" / f"{name}.json").read_text("utf-8"))


def calibrated() -> float:
    """The share of unanswerable questions of CMRC 2018 that the built-in embedder's calibration refuses."""
    for path in sorted((ROOT / "rag/retrieval/calibrations").glob("*.json")):
        fitted = json.loads(path.read_text("utf-8"))
        if fitted.get("embedder") == "builtin/multilingual-e5-small":
            return float(fitted["same_language"]["quality"]["cmrc2018-dev"]["refused_at_95_kept"])
    raise AssertionError("no calibration of the built-in embedder")


def share(value: float) -> str:
    """As the documents write a share: .985"""
    return f"{value:.3f}".lstrip("0")
