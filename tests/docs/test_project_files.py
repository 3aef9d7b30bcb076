"""What a contributor finds: reasons for dependencies, hooks, templates, types."""

import re
import tomllib
from fnmatch import fnmatch

import pytest
import yaml

from tests.kit.markdown import MarkdownFile
from tests.kit.paths import ROOT

PACKAGES = ("api", "ingest", "rag")


def test_every_dependency_has_its_line_and_every_line_its_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {match[0] for group in groups for entry in group if (match := re.match(r"[\w.-]+", entry))}
    section = MarkdownFile("CONTRIBUTING.md").prose.partition("## Dependencies")[2]
    explained = re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)
    assert sorted(explained) == sorted(declared - {project["name"]})


def test_hooks_before_a_commit_call_the_tools_of_the_project_and_download_nothing() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (repository,) = configuration["repos"]
    assert repository["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        tool = hook["entry"].removeprefix(".venv/bin/").split()[0]
        assert hook["entry"].startswith(".venv/bin/")
        assert f"$(BIN)/{tool}" in makefile, f"make check does not run {tool}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"][package]
    assert any(fnmatch("py.typed", pattern) for pattern in patterns)


def test_issue_forms_are_complete() -> None:
    forms = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    assert forms
    for path in forms:
        form = yaml.safe_load(path.read_text("utf-8"))
        assert form["name"]
        assert form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields)
        assert all(field["attributes"]["label"] for field in fields)
        assert any(field.get("validations", {}).get("required") for field in fields), path.name
