"""`zhiwen ingest` and its options without a server, and `zhiwen serve --watch`."""

import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.embedding_endpoint import word_vector_endpoint
from bench.reingest import endpoint_settings
from tests.kit.command_cases import Case, Ended, run_cases
from tests.kit.process_table import children, command_line, processor_seconds
from tests.kit.processes import ZHIWEN, Server, Workspace, assert_one_line
from tests.kit.waiting import eventually

BIRDS = {
    "heron.md": "# Heron\n\nThe heron nests in March.\n",
    "stork.md": "# Stork\n\nThe stork arrives in May.\n",
    "crane.md": "# Crane\n\nThe crane flies south in October.\n",
    "curlew.md": "# Curlew\n\nThe curlew calls at dusk.\n",
    "sub/owl.md": "# Owl\n\nThe owl sits in the tower.\n",
}
GOLDEN = "questions:\n  - question: When does the heron nest?\n    expect: [March]\n"


@pytest.fixture(scope="module")
def embedding_endpoint() -> Iterator[str]:
    """An embedder that is ready sooner than the built-in one."""
    with word_vector_endpoint() as url:
        yield url


@pytest.fixture(scope="module")
def ingested(embedding_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Five short documents and a golden question, ingested."""
    return ingest_birds(Workspace(tmp_path_factory.mktemp("birds")).given(**endpoint_settings(embedding_endpoint)))


@pytest.fixture(scope="module")
def ingested_with_the_builtin_model(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same. Only of models on this machine is it estimated how long they take."""
    return ingest_birds(Workspace(tmp_path_factory.mktemp("birds")))


def ingest_birds(workspace: Workspace) -> Workspace:
    for source, text in BIRDS.items():
        workspace.write(source, text)
    workspace.write("golden.yaml", GOLDEN)
    outcome = workspace.run("ingest")
    assert outcome.status == 0, outcome
    return workspace


# One command each


def edit_in_place(workspace: Workspace) -> None:
    """Change a document without changing its length or its time of modification."""
    path = workspace.knowledge / "heron.md"
    before = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("heron nests in March", "heron rests in March"))
    os.utime(path, ns=(before, before))
    assert path.stat().st_mtime_ns == before


def edit_add_and_delete(workspace: Workspace) -> None:
    workspace.write("heron.md", "# Heron\n\nThe heron nests in March and April.\n")
    workspace.write("new/wren.md", "# Wren\n\nThe wren is small.\n")
    (workspace.knowledge / "stork.md").unlink()


def delete(*sources: str) -> Callable[[Workspace], None]:
    def run(workspace: Workspace) -> None:
        for source in sources:
            (workspace.knowledge / source).unlink()

    return run


def break_two(workspace: Workspace) -> None:
    workspace.write("heron.md", b"# Heron\n\0")
    workspace.write("torn.md", b"\xff\xfe torn \x00")
    workspace.write("wren.md", "# Wren\n\nThe wren is small.\n")


def lose_a_golden_question(workspace: Workspace) -> None:
    workspace.write("heron.md", "# Heron\n\nThe heron has left.\n")


def empty(workspace: Workspace) -> None:
    for path in workspace.knowledge.rglob("*.md"):
        path.unlink()


def ingest_and_lose_a_folder(workspace: Workspace) -> None:
    for number in range(10):
        workspace.write(f"nests/{number}.md", f"# Nest {number}\n\nNest {number} is empty.\n")
    assert workspace.run("ingest").status == 0
    shutil.rmtree(workspace.knowledge / "nests")
    workspace.write("wren.md", "# Wren\n\nThe wren is small.\n")


def odd_neighbours(workspace: Workspace) -> None:
    workspace.write("WREN.MD", "# Wren\n\nThe wren is small.\n")
    workspace.write("empty.md", "")
    for name in ("a.png", "b.png", "LICENSE", ".hidden.md"):
        workspace.write(name, "x")
    (workspace.knowledge / "again").symlink_to("sub")
    (workspace.knowledge / "loop.md").symlink_to("loop.md")


ESTIMATES: dict[str, Case] = {
    "first dry run": Case(
        ("ingest", "--dry-run", "--json"),
        arrange=lambda workspace: workspace.write("a.md", "# A\n\nText.\n"),
        on_ingested=False,
    ),
    "dry run": Case(("ingest", "--dry-run"), arrange=edit_add_and_delete),
    "dry run in Chinese": Case(
        ("ingest", "--dry-run"), arrange=edit_add_and_delete, environment=(("LC_ALL", "zh_CN.UTF-8"),)
    ),
    "dry run of no change": Case(("ingest", "--dry-run")),
}
CASES: dict[str, Case] = {
    "ingest": Case(("ingest",), arrange=edit_add_and_delete),
    "ingest as JSON": Case(("ingest", "--json"), arrange=edit_add_and_delete),
    "ingest of an edit in workspace": Case(("ingest", "--json"), arrange=edit_in_place),
    "verifying ingest of an edit in workspace": Case(("ingest", "--verify", "--json"), arrange=edit_in_place),
    "two broken files": Case(("ingest",), arrange=break_two),
    "two broken files as JSON": Case(("ingest", "--json"), arrange=break_two),
    "a few deletions": Case(("ingest", "--json"), arrange=delete("crane.md", "stork.md")),
    "mass deletion": Case(("ingest",), arrange=ingest_and_lose_a_folder),
    "mass deletion in Chinese": Case(
        ("ingest",), arrange=ingest_and_lose_a_folder, environment=(("LC_ALL", "zh_CN.UTF-8"),)
    ),
    "dry run of a mass deletion": Case(("ingest", "--dry-run"), arrange=ingest_and_lose_a_folder),
    "odd neighbours": Case(("ingest",), arrange=odd_neighbours),
    "odd neighbours as JSON": Case(("ingest", "--json"), arrange=odd_neighbours),
    "odd neighbours in Chinese": Case(("ingest",), arrange=odd_neighbours, environment=(("LC_ALL", "zh_CN.UTF-8"),)),
    "mass deletion that is meant": Case(
        ("ingest", "--allow-mass-deletion", "--json"), arrange=delete("crane.md", "stork.md")
    ),
    "empty folder": Case(("ingest", "--allow-mass-deletion", "--force"), arrange=empty),
    "golden question lost": Case(("ingest",), arrange=lose_a_golden_question),
    "golden question lost by force": Case(("ingest", "--force", "--json"), arrange=lose_a_golden_question),
}


@pytest.fixture(scope="module")
def ended(
    ingested: Workspace, ingested_with_the_builtin_model: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ended]:
    estimates = run_cases(ESTIMATES, ingested_with_the_builtin_model, tmp_path_factory.mktemp("estimates"))
    return estimates | run_cases(CASES, ingested, tmp_path_factory.mktemp("cases"))


PLANNED = "Documents: 1 added, 1 changed, 1 removed, 3 unchanged\n"


def test_a_dry_run_names_every_document_and_changes_nothing(ended: dict[str, Ended]) -> None:
    case = ended["dry run"]
    assert case.outcome.status == 0, case.outcome
    estimate = r"Ingesting will take about \d+ s\n"
    assert re.fullmatch(PLANNED + estimate + r"  \+ new/wren\.md\n  ~ heron\.md\n  − stork\.md\n", case.outcome.out)
    assert case.outcome.err == ""
    assert case.workspace.digest() == case.digest_before


def test_a_dry_run_says_in_chinese_how_long_the_ingest_will_take(ended: dict[str, Ended]) -> None:
    assert re.search(r"^读入大约要 \d+ 秒$", ended["dry run in Chinese"].outcome.out, re.MULTILINE)


def test_a_dry_run_of_no_change_says_no_time(ended: dict[str, Ended]) -> None:
    assert ended["dry run of no change"].outcome.out == "Documents: 0 added, 0 changed, 0 removed, 5 unchanged\n"


def test_a_dry_run_before_the_first_ingest_ingests_nothing(ended: dict[str, Ended]) -> None:
    case = ended["first dry run"]
    assert case.outcome.status == 0, case.outcome
    plan = case.outcome.json
    assert plan.pop("estimated_seconds") >= 0
    assert plan == {"added": ["a.md"], "changed": [], "removed": [], "unchanged": 0, "deletions_held_back": 0}
    assert case.workspace.run("status", "--json").json["generation"] == 0


def test_an_ingest_prints_its_plan_and_its_report(ended: dict[str, Ended]) -> None:
    outcome = ended["ingest"].outcome
    assert outcome.status == 0, outcome
    assert outcome.err == ""
    assert re.fullmatch(
        PLANNED + r"Generation 2: 2 chunks added, 2 removed, 3 unchanged; 2 embedded, \d+\.\d s\n", outcome.out
    )


def test_an_ingest_as_json_is_one_report(ended: dict[str, Ended]) -> None:
    outcome = ended["ingest as JSON"].outcome
    assert outcome.status == 0
    assert outcome.err == ""
    report = outcome.json
    assert report.pop("seconds") > 0
    assert report == {
        "generation": 2,
        "documents": {"added": 1, "changed": 1, "removed": 1, "unchanged": 3, "failed": 0},
        "chunks": {"added": 2, "removed": 2, "unchanged": 3},
        "embedded": 2,
        "failures": [],
        "warnings": [],
        "without_passages": 0,
        "passed_over": {},
        "other_suffixes": {},
        "deletions_held_back": 0,
        "message": "",
    }


def test_only_verify_notices_an_edit_that_kept_size_and_time(ended: dict[str, Ended]) -> None:
    trusting = ended["ingest of an edit in workspace"].outcome.json
    assert (trusting["documents"]["changed"], trusting["embedded"], trusting["generation"]) == (0, 0, 1)
    verifying = ended["verifying ingest of an edit in workspace"].outcome.json
    assert (verifying["documents"]["changed"], verifying["embedded"], verifying["generation"]) == (1, 1, 2)


def test_broken_files_are_named_a_line_each_and_the_status_is_3(ended: dict[str, Ended]) -> None:
    outcome = ended["two broken files"].outcome
    assert outcome.status == 3
    assert outcome.err == ""
    plan, report, heading, *failures = outcome.out.splitlines()
    assert plan == "Documents: 2 added, 1 changed, 0 removed, 4 unchanged"
    assert report.startswith("Generation 2: 1 chunks added, 0 removed, 5 unchanged;")
    assert "2" in heading
    assert [failure.split(":")[0] for failure in failures] == ["  heron.md", "  torn.md"]


def test_broken_files_as_json_are_counted_and_named(ended: dict[str, Ended]) -> None:
    outcome = ended["two broken files as JSON"].outcome
    assert outcome.status == 3
    assert outcome.json["documents"] == {"added": 1, "changed": 0, "removed": 0, "unchanged": 4, "failed": 2}
    assert [failure["source"] for failure in outcome.json["failures"]] == ["heron.md", "torn.md"]
    assert all(not failure["error"].startswith(failure["source"]) for failure in outcome.json["failures"])


def test_a_few_deletions_need_no_word(ended: dict[str, Ended]) -> None:
    outcome = ended["a few deletions"].outcome
    assert (outcome.status, outcome.json["documents"]["removed"], outcome.json["deletions_held_back"]) == (0, 2, 0)


def test_a_mass_deletion_holds_back_the_deletions_and_nothing_else(ended: dict[str, Ended]) -> None:
    case = ended["mass deletion"]
    assert (case.outcome.status, case.outcome.err) == (1, "")
    plan, report, message = case.outcome.out.splitlines()
    assert plan == "Documents: 1 added, 0 changed, 0 removed, 5 unchanged"
    assert report.startswith("Generation 3: 1 chunks added, 0 removed")
    assert message.startswith("Documents gone from the folder: 10. They stay live")
    assert "--allow-mass-deletion" in message
    assert case.workspace.run("status", "--json").json["documents"] == 16
    assert "10 篇文档从文件夹里消失了" in ended["mass deletion in Chinese"].outcome.out
    allowed = case.workspace.run("ingest", "--allow-mass-deletion", "--json")
    assert (allowed.status, allowed.json["documents"]["removed"]) == (0, 10)


def test_a_dry_run_says_which_deletions_would_be_held_back(ended: dict[str, Ended]) -> None:
    outcome = ended["dry run of a mass deletion"].outcome
    assert outcome.out.startswith(
        "Documents: 1 added, 0 changed, 0 removed, 5 unchanged\nDocuments gone from the folder: 10."
    )
    assert outcome.out.endswith("  + wren.md\n")


def test_an_ingest_says_what_it_passed_over_and_what_is_odd(ended: dict[str, Ended]) -> None:
    outcome = ended["odd neighbours"].outcome
    assert (outcome.status, outcome.err) == (3, "")
    assert outcome.out.splitlines()[2:] == [
        "Passed over: other suffix 3 (.png 2, – 1), hidden 1, link to a folder that is read already 1",
        "Documents without any text to find: 1.",
        "Worth a look: 1.",
        "  again: leads to a folder that is read already (sub)",
        "Could not be ingested: 1. Content ingested before stays live.",
        "  loop.md: is a link in a loop of links",
    ]
    assert "没有读的：别的后缀 3 (.png 2, – 1)，隐藏 1，" in ended["odd neighbours in Chinese"].outcome.out


def test_a_report_as_json_counts_what_was_passed_over(ended: dict[str, Ended]) -> None:
    report = ended["odd neighbours as JSON"].outcome.json
    assert report["documents"] == {"added": 2, "changed": 0, "removed": 0, "unchanged": 5, "failed": 0}
    assert report["passed_over"] == {"other suffix": 3, "hidden": 1, "folder read already": 1}
    assert report["other_suffixes"] == {".png": 2, "": 1}
    assert report["without_passages"] == 1
    assert report["warnings"] == [{"source": "again", "warning": "leads to a folder that is read already (sub)"}]
    assert report["failures"] == [{"source": "loop.md", "error": "is a link in a loop of links"}]


def test_a_mass_deletion_that_is_meant_is_carried_out(ended: dict[str, Ended]) -> None:
    outcome = ended["mass deletion that is meant"].outcome
    assert outcome.status == 0, outcome
    assert outcome.json["documents"] == {"added": 0, "changed": 0, "removed": 2, "unchanged": 3, "failed": 0}


def test_an_empty_folder_is_refused_whatever_is_allowed(ended: dict[str, Ended]) -> None:
    case = ended["empty folder"]
    assert_one_line(case.outcome, 2, str(case.workspace.knowledge), "holds no documents", "nothing was changed")
    assert case.workspace.digest() == case.digest_before


def test_a_lost_golden_question_is_named_and_the_old_generation_stays(ended: dict[str, Ended]) -> None:
    case = ended["golden question lost"]
    assert case.outcome.out == "Documents: 0 added, 1 changed, 0 removed, 4 unchanged\n"
    assert_one_line(case.outcome, 1, "When does the heron nest?", "nothing was changed", "--force")
    status = case.workspace.run("status", "--json").json
    assert (status["generation"], status["pending"]["changed"]) == (1, ["heron.md"])
    assert "March" in case.workspace.run("search", "heron", "--top-k", "1").out


def test_force_goes_live_without_the_golden_question(ended: dict[str, Ended]) -> None:
    outcome = ended["golden question lost by force"].outcome
    assert outcome.status == 0, outcome
    assert outcome.json["generation"] == 2


# An ingest that is interrupted


def test_an_ingest_interrupted_by_ctrl_c_ends_without_a_traceback_and_is_done_by_the_next(
    ingested: Workspace, tmp_path: Path
) -> None:
    """A terminal sends Ctrl+C to every process of the command, including the parser."""
    workspace = ingested.copy_to(tmp_path)
    workspace.write("slow.md", "<!--" * 400_000)
    workspace = workspace.given(ZHIWEN_KNOWLEDGE__MAX_SECONDS_PER_DOCUMENT="200")
    workspace.write("wren.md", "# Wren\n\nThe wren is small.\n")
    # A script in the background ignores Ctrl+C, and the command would inherit that.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [ZHIWEN, "ingest"],
            cwd=workspace.folder,
            env=workspace.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    assert process.stdout
    assert select.select([process.stdout], [], [], 60)[0]
    assert process.stdout.readline().startswith(b"Documents: 2 added")
    eventually(lambda: parser_seconds(process.pid) > 2, message="the slow document is being parsed")
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=100)  # half of what the document may take
    assert process.returncode != 0
    assert b"Traceback" not in err
    (workspace.knowledge / "slow.md").unlink()
    again = workspace.run("ingest", "--json")
    assert again.status == 0, again
    assert again.json["documents"]["added"] == 1


def parser_seconds(pid: int) -> float:
    """The processor time of the parser of an ingest so far, in seconds; its start takes less than one."""
    return sum(processor_seconds(child) for child in children(pid) if "ingest.parser_process" in command_line(child))


# Watching


def best_hit(server: Server, question: str) -> str:
    """The source and the content of the best hit."""
    hits = server.post("/search", question=question, top_k=1).json()["hits"]
    return f"{hits[0]['source']}: {hits[0]['content']}" if hits else ""


def test_a_watching_server_takes_in_edits_bursts_and_mended_files_and_goes_on_after_failures(
    ingested: Workspace, tmp_path: Path
) -> None:
    workspace = ingested.copy_to(tmp_path)
    workspace.write("heron.md", "# Heron\n\nThe heron nests in March, said while nobody watched.\n")
    with workspace.serving("--watch") as server:
        state = server.wait_for_ingest(lambda state: state["run"] >= 1)
        assert state["last"]["generation"] == 2
        assert "nobody watched" in best_hit(server, "When does the heron nest?")

        workspace.write("stork.md", "# Stork\n\nThe stork arrives in June.\n")
        state = server.wait_for_ingest(lambda state: state["last"]["generation"] == 3)
        assert state["last"]["documents"]["changed"] == 1
        assert "June" in best_hit(server, "When does the stork arrive?")

        for number in range(40):
            workspace.write(f"many/{number}.md", f"# Gull\n\nGull {number}.\n")
        state = server.wait_for_ingest(lambda state: state["last"]["generation"] == 4)
        assert state["last"]["documents"]["added"] == 40, "one generation for all of them"

        workspace.write("crane.md", b"# Crane\n\0")
        state = server.wait_for_ingest(lambda state: bool(state["last"]["failures"]))
        assert state["last"]["failures"][0]["source"] == "crane.md"
        assert "October" in best_hit(server, "When does the crane fly south?")

        workspace.write("heron.md", "# Heron\n\nThe heron has left.\n")
        state = server.wait_for_ingest(lambda state: state["error"] is not None)
        assert state["error"]["code"] == "golden_questions_lost"
        assert "March" in best_hit(server, "When does the heron nest?")

        workspace.write("heron.md", "# Heron\n\nThe heron nests in March again.\n")
        workspace.write("crane.md", "# Crane\n\nThe crane flies south in November.\n")
        state = server.wait_for_ingest(lambda state: state["error"] is None and not state["last"]["failures"])
        assert state["last"]["generation"] == 6, "5 did not go live"
        assert "November" in best_hit(server, "When does the crane fly south?")
        assert "again" in best_hit(server, "When does the heron nest?")

        runs = state["run"]
        workspace.write(".obsidian/workspace.json", "{}")
        outcome = workspace.run("ingest", "--json")  # by hand, through the server that watches
        assert (outcome.status, outcome.json["embedded"]) == (0, 0)
        assert server.ingest_state()["run"] == runs + 1, "a hidden file starts no run"
        assert "Traceback" not in server.log
