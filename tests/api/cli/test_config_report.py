"""`zhiwen config`: the settings in force, and the origin of each."""

from pathlib import Path

import pytest

from api.cli.config_report import SettingOut, config_report
from rag.settings import SECRETS, Settings
from tests.kit.processes import Workspace, assert_one_line

SECRET = "sk-0123456789abcdef0123456789abcdef"  # noqa: S105


def settings_of(workspace: Workspace, *arguments: str) -> dict[str, SettingOut]:
    outcome = workspace.run(*arguments, "config", "--json")
    assert outcome.status == 0, outcome
    return {one["name"]: SettingOut.model_validate(one) for one in outcome.json["settings"]}


def test_every_setting_is_there_with_its_value_and_where_that_comes_from(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("retrieval:\n  top_k: 5\n  candidates: 50\nknowledge:\n  include: ['*.md']\n")
    workspace = Workspace(tmp_path).given(ZHIWEN_RETRIEVAL__TOP_K="7", ZHIWEN_CHAT__API_KEY=SECRET)
    found = settings_of(workspace, "--config", "other.yaml")
    assert list(found) == [
        f"{section}.{key}"
        for section in Settings.model_fields
        for key in type(getattr(Settings(), section)).model_fields
    ]
    shown = {name: (one.value, one.origin) for name, one in found.items()}
    assert shown["retrieval.top_k"] == (7, "ZHIWEN_RETRIEVAL__TOP_K")
    assert shown["retrieval.candidates"] == (50, "other.yaml")
    assert shown["knowledge.include"] == (["*.md"], "other.yaml")
    assert shown["retrieval.mode"] == ("hybrid", "default")
    assert shown["knowledge.path"] == (str(tmp_path / "knowledge"), "ZHIWEN_KNOWLEDGE__PATH")


def test_no_secret_is_shown_but_whether_there_is_one(tmp_path: Path) -> None:
    secrets = {
        f"ZHIWEN_{section}__{key}".upper(): f"{SECRET}{section}" for section, key in SECRETS - {("store", "token")}
    }
    workspace = Workspace(tmp_path).given(**secrets)
    for outcome in (workspace.run("config"), workspace.run("config", "--json")):
        assert outcome.status == 0
        assert SECRET not in outcome.out + outcome.err
    found = settings_of(workspace)
    assert {name for name, one in found.items() if one.secret} == {f"{section}.{key}" for section, key in SECRETS}
    assert found["serve.keys"].set
    assert found["serve.keys"].value is None
    assert not found["store.token"].set


def test_a_url_is_shown_without_its_password(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).given(ZHIWEN_STATE__URL=f"postgresql://me:{SECRET}@db/zhiwen")
    assert settings_of(workspace)["state.url"].value == "postgresql://me:***@db/zhiwen"
    assert SECRET not in workspace.run("config").out


def test_the_report_has_a_line_for_each_setting_and_marks_those_that_are_not_defaults(tmp_path: Path) -> None:
    lines = Workspace(tmp_path).given(ZHIWEN_SERVE__PORT="9000").run("config").out.splitlines()
    assert len(lines) == len(config_report(None).settings)
    [port] = [line for line in lines if line.startswith("serve.port ")]
    assert port.split() == ["serve.port", "9000", "(ZHIWEN_SERVE__PORT)"]
    [mode] = [line for line in lines if line.startswith("retrieval.mode ")]
    assert mode.split() == ["retrieval.mode", '"hybrid"']


@pytest.mark.parametrize("variable", ["ZHIWEN_SERVE__PORT", "ZHIWEN_NOTHING__AT_ALL"])
def test_a_wrong_configuration_is_one_line(tmp_path: Path, variable: str) -> None:
    assert_one_line(Workspace(tmp_path).given(**{variable: "x"}).run("config"), 2, variable)
