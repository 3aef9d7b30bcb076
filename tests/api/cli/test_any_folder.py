"""zhiwen as a tool: it answers from the folder that it is run in, and leaves nothing in one without documents."""

from pathlib import Path

import pytest
import yaml

from api.cli.ingesting import MAX_DOCUMENTS_UNASKED
from api.version import version
from rag.settings_loader import load_settings
from tests.kit.paths import ROOT
from tests.kit.processes import Outcome, assert_one_line, clean_environment, run_command

NOTES = {
    "harbour.md": "# Harbour\n\nThe harbour master is called Lin Hai.\n",
    "tides.md": "# Tides\n\nHigh tide is at 7:31 in the morning.\n",
    "lamp.md": "# 灯塔\n\n灯塔建于 1911 年。\n",
}


def run(folder: Path, *arguments: str, **variables: str) -> Outcome:
    """Run `zhiwen` in a folder, without any setting but these variables."""
    return run_command(*arguments, folder=folder, environment=clean_environment() | variables)


def notes_in(folder: Path) -> Path:
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_answers_from_the_working_directory_and_ingests_it_before_the_first_answer(tmp_path: Path) -> None:
    notes = notes_in(tmp_path / "notes")
    first = run(notes, "ask", "Who is the harbour master?")
    assert first.status == 0, first
    assert "Lin Hai" in first.out
    assert "[1] harbour.md:3" in first.out
    assert len(first.error_lines) == 1
    assert str(notes) in first.err
    assert "3" in first.err
    assert names_in(notes) == [".zhiwen", *sorted(NOTES)]
    second = run(notes, "ask", "灯塔建于哪一年？", "--json")
    assert (second.status, second.err) == (0, "")
    assert second.json["citations"][0]["source"] == "lamp.md"


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "Who?"),
        ("ask", "--fresh", "Who?"),
        ("search", "Who?"),
        ("chat",),
        ("ingest",),
        ("ingest", "--dry-run"),
        ("status",),
        ("export", "backup.parquet"),
    ],
    ids=" ".join,
)
def test_in_an_empty_folder_each_command_is_one_line_that_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    outcome = run(tmp_path, *arguments)
    assert outcome.out == ""
    assert_one_line(outcome, 2, str(tmp_path), "--knowledge")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [("rollback",), ("explain", "0" * 32), ("feedback",), ("doctor",), ("config",), ("import", "no.parquet")],
    ids=" ".join,
)
def test_other_commands_leave_nothing_in_an_empty_folder_either(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    outcome = run(tmp_path, *arguments)
    assert "Traceback" not in outcome.err
    assert names_in(tmp_path) == []


def test_commands_that_only_read_create_no_index(tmp_path: Path) -> None:
    notes = notes_in(tmp_path / "notes")
    assert "Nothing has been ingested yet" in run(notes, "status").out
    assert run(notes, "ingest", "--dry-run", "--json").json["added"] == sorted(NOTES)
    assert_one_line(run(notes, "export", "backup.parquet"), 1, "nothing has been ingested yet")
    assert names_in(notes) == sorted(NOTES)


def test_two_folders_named_from_the_same_place_have_two_indexes(tmp_path: Path) -> None:
    notes, birds = notes_in(tmp_path / "notes"), tmp_path / "birds"
    birds.mkdir()
    (birds / "harbour.md").write_text("# Owl\n\nThe owl sits in the tower.\n", "utf-8")
    for _ in range(2):
        assert "Lin Hai" in run(tmp_path, "-k", "notes", "ask", "Who is the harbour master?").out
        assert "tower" in run(tmp_path, "--knowledge", str(birds), "ask", "Where does the owl sit?").out
    assert run(tmp_path, "ingest", "birds", "--json").json["documents"]["unchanged"] == 1
    assert run(birds, "status", "--json").json["documents"] == 1
    assert run(notes, "status", "--json").json["documents"] == len(NOTES)
    assert names_in(tmp_path) == ["birds", "notes"]


def test_an_index_that_is_that_of_another_folder_is_not_asked_and_not_overwritten(tmp_path: Path) -> None:
    notes, birds = notes_in(tmp_path / "notes"), tmp_path / "birds"
    birds.mkdir()
    (birds / "owl.md").write_text("# Owl\n\nThe owl sits in the tower.\n", "utf-8")
    shared = {"ZHIWEN_STORE__URI": str(tmp_path / "m.db")}
    assert run(notes, "ingest", **shared).status == 0
    for arguments in (("ask", "Where does the owl sit?"), ("search", "owl"), ("ingest",)):
        assert_one_line(run(birds, *arguments, **shared), 2, str(notes), str(birds), "ZHIWEN_STORE__COLLECTION")
    copy = notes.rename(tmp_path / "moved")
    moved = run(copy, "ask", "Who is the harbour master?", **shared)
    assert "Lin Hai" in moved.out, moved


def test_the_home_folder_is_ingested_only_if_it_is_named(tmp_path: Path) -> None:
    home = notes_in(tmp_path / "home")
    for folder in (home, tmp_path):
        outcome = run(folder, "ask", "Who is the harbour master?", HOME=str(home))
        assert_one_line(outcome, 2, f"all of {folder} is ingested only if you name it", "--knowledge")
    assert names_in(home) == sorted(NOTES)
    assert "Lin Hai" in run(home, "-k", ".", "ask", "Who is the harbour master?", HOME=str(home)).out


def test_a_large_folder_is_not_ingested_by_a_question(tmp_path: Path) -> None:
    for number in range(MAX_DOCUMENTS_UNASKED + 1):
        (tmp_path / f"{number}.md").touch()
    outcome = run(tmp_path, "ask", "Who?")
    assert_one_line(outcome, 2, f"{MAX_DOCUMENTS_UNASKED + 1:,} documents", "`zhiwen ingest`")
    assert not (tmp_path / ".zhiwen").exists()


def test_hidden_folders_and_the_index_itself_are_no_documents(tmp_path: Path) -> None:
    notes = notes_in(tmp_path / "notes")
    for folder in (".zhiwen", ".git", ".venv/lib"):
        (notes / folder).mkdir(parents=True)
        (notes / folder / "secret.md").write_text("# Secret\n\nThe passphrase is kingfisher.\n", "utf-8")
    assert run(notes, "ingest", "--json").json["documents"]["added"] == len(NOTES)


def test_init_writes_the_file_that_ships_and_changes_nothing_by_it(tmp_path: Path) -> None:
    notes = notes_in(tmp_path / "notes")
    assert run(notes, "ingest").status == 0
    outcome = run(notes, "init")
    assert outcome.status == 0, outcome
    assert "config.yaml" in outcome.out
    assert "zhiwen ask" in outcome.out
    written = notes / "config.yaml"
    assert written.read_text("utf-8") == (ROOT / "config.yaml").read_text("utf-8")
    assert yaml.safe_load(written.read_text("utf-8"))["knowledge"]["path"] == ""
    assert load_settings(written, {}).knowledge.path == notes
    assert run(notes, "status", "--json").json["generation"] == 1
    assert "Lin Hai" in run(notes, "ask", "Who is the harbour master?").out


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("serve:\n  port: 9000\n", "utf-8")
    assert_one_line(run(tmp_path, "init"), 2, "config.yaml exists already")
    assert (tmp_path / "config.yaml").read_text("utf-8") == "serve:\n  port: 9000\n"
    assert_one_line(run(tmp_path, "--config", "absent/other.yaml", "init"), 2, "absent/other.yaml cannot be written")
    assert "已写好 other.yaml" in run(tmp_path, "--config", "other.yaml", "init", LANG="zh_CN.UTF-8").out
    assert_one_line(run(tmp_path, "-k", ".", "init"), 2, "--knowledge")


def test_the_version_is_that_of_the_project(tmp_path: Path) -> None:
    outcome = run(tmp_path, "--version")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"zhiwen {version()}\n", "")
    assert f'version = "{version()}"' in (ROOT / "pyproject.toml").read_text("utf-8")
