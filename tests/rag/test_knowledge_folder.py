"""Which folder is meant: the command line, the environment, the file, `knowledge`, the working directory."""

from pathlib import Path

import pytest

from rag.errors import ConfigError
from rag.knowledge_folder import is_too_wide
from rag.settings import Settings
from rag.settings_loader import load_settings, load_settings_with_origins


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a home folder elsewhere."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, "utf-8")
    return file


def index_of(settings: Settings) -> list[str]:
    return [settings.store.uri, str(settings.serve.feedback_path)]


BESIDE = [".zhiwen/milvus.db", ".zhiwen/feedback.jsonl"]


def test_without_any_setting_it_is_the_working_directory_and_the_index_is_in_it() -> None:
    settings = load_settings(environment={})
    assert settings.knowledge.path == Path()
    assert index_of(settings) == BESIDE


def test_a_folder_named_knowledge_goes_before_the_working_directory(here: Path) -> None:
    (here / "knowledge").mkdir()
    settings = load_settings(environment={})
    assert settings.knowledge.path == Path("knowledge")
    assert index_of(settings) == BESIDE


def test_beside_a_configuration_file_it_is_looked_for_in_the_folder_of_that_file(other: Path) -> None:
    file = written(other, "knowledge:\n  path: ''\n")
    assert load_settings(file, {}).knowledge.path == other
    (other / "knowledge").mkdir()
    assert load_settings(file, {}).knowledge.path == other / "knowledge"


def test_the_file_the_environment_and_the_command_line_win_in_this_order(here: Path, other: Path) -> None:
    (here / "knowledge").mkdir()
    written(here, "knowledge:\n  path: docs\n")
    assert load_settings(environment={}).knowledge.path == Path("docs")
    environment = {"ZHIWEN_KNOWLEDGE__PATH": "notes"}
    assert load_settings(environment=environment).knowledge.path == Path("notes")
    assert load_settings(environment=environment, knowledge=other).knowledge.path == other


@pytest.mark.parametrize("name", ["", "home", "home/sub"])
def test_a_folder_above_the_home_folder_is_never_meant(tmp_path: Path, name: str) -> None:
    (tmp_path / "home" / "sub").mkdir(parents=True)
    folder = tmp_path / name
    assert is_too_wide(folder) == (name != "home/sub")
    settings = load_settings(written(folder, ""), {})
    assert settings.knowledge.path == (folder if name == "home/sub" else folder / "knowledge")
    assert load_settings(environment={}, knowledge=folder).knowledge.path == folder, "unless it is named"


def test_the_root_is_too_wide_for_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    assert is_too_wide(Path("/"))
    assert not is_too_wide(Path("/usr"))


def test_another_folder_has_an_index_of_its_own_whatever_the_file_says(here: Path, other: Path) -> None:
    file = written(here, "store:\n  uri: m.db\n")
    settings, origins = load_settings_with_origins(file, {}, knowledge=other)
    assert index_of(settings) == [str(other / path) for path in BESIDE]
    assert {name for name, origin in origins.items() if origin == "--knowledge"} == {
        "knowledge.path",
        "store.uri",
        "serve.feedback_path",
    }


def test_the_configured_folder_keeps_its_index_however_it_is_named(here: Path) -> None:
    (here / "docs").mkdir()
    file = written(here, "knowledge:\n  path: docs\nstore:\n  uri: m.db\n")
    expected = load_settings(file, {})
    for name in (Path("docs"), here / "docs", Path("docs/../docs")):
        assert load_settings(file, {}, knowledge=name) == expected


def test_an_index_on_a_server_or_from_the_environment_is_kept(here: Path, other: Path) -> None:
    uri = "http://milvus:19530"
    file = written(here, f"store:\n  uri: {uri}\n")
    assert index_of(load_settings(file, {}, knowledge=other)) == [uri, *BESIDE[1:]]
    environment = {"ZHIWEN_STORE__URI": "mine.db"}
    assert index_of(load_settings(environment=environment, knowledge=other)) == ["mine.db", *BESIDE[1:]]


def test_a_folder_that_is_named_and_missing_is_an_error_at_once(here: Path) -> None:
    (here / "a.md").write_text("# A\n", "utf-8")
    for name, problem in (("nowhere", "does not exist"), ("a.md", "is not a folder")):
        with pytest.raises(ConfigError, match=f"--knowledge: {name} {problem}"):
            load_settings(environment={}, knowledge=Path(name))
