"""The workflows run what contributors run, with pinned actions and no more rights than each job needs."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.paths import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
PROJECT_FILES = ("pyproject.toml", "CHANGELOG.md", ".ci/release_notes.py")

workflows = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def workflow(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    content: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", ())]


def runs(name: str) -> list[str]:
    return [step["run"] for step in steps(name) if "run" in step]


@workflows
def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is(path: Path) -> None:
    used = re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml", action)


@workflows
def test_every_job_reads_only_unless_it_publishes_and_ends(path: Path) -> None:
    assert workflow(path.name)["permissions"] == {"contents": "read"}
    for name, job in workflow(path.name)["jobs"].items():
        granted = job.get("permissions", {})
        written = {scope for scope, access in granted.items() if access == "write"}
        assert written == {"image": {"packages"}, "publish": {"contents"}}.get(name, set())
        assert "uses" in job or job["timeout-minutes"] <= 90
        assert set(job.get("needs", ())) < set(workflow(path.name)["jobs"])
    for step in steps(path.name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@workflows
def test_no_event_can_put_text_into_a_command(path: Path) -> None:
    assert not [run for run in runs(path.name) if "${{" in run]


def test_ci_runs_what_contributors_run_on_the_oldest_and_a_new_python() -> None:
    assert runs("ci.yml") == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert {"push", "pull_request"} <= set(workflow("ci.yml")["on"])
    oldest, newest = workflow("ci.yml")["jobs"]["check"]["strategy"]["matrix"]["python"]
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert requires == f">={oldest}"
    assert int(newest.partition(".")[2]) > int(oldest.partition(".")[2])


def test_a_tag_is_released_only_after_all_checks() -> None:
    release = workflow("release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    jobs = release["jobs"]
    assert jobs["check"] == {"uses": "./.github/workflows/ci.yml"}
    assert set(jobs["image"]["needs"]) == {"check", "wheel"}
    assert "image" in jobs["publish"]["needs"]
    commands = runs("release.yml")
    order = ["release_notes.py", "python -m build", ".ci/check_tool", "gh release create"]
    found = [next(number for number, command in enumerate(commands) if part in command) for part in order]
    assert found == sorted(found)
    assert all((ROOT / ".ci" / name).is_file() for name in ("release_notes.py", "check_tool"))


def test_the_image_is_built_for_both_architectures_from_the_repository() -> None:
    (build,) = (step for step in steps("release.yml") if step.get("uses", "").startswith("docker/build-push-action@"))
    assert build["with"]["platforms"].split(",") == ["linux/amd64", "linux/arm64"]
    assert build["with"]["push"] is True
    (image,) = (step for step in steps("release.yml") if step.get("uses", "").startswith("docker/metadata-action@"))
    assert image["with"]["images"] == "ghcr.io/${{ github.repository }}"


def release_notes(folder: Path, tag: str, changelog: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the workflow in a copy of the project with this changelog."""
    for name in PROJECT_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (folder / "CHANGELOG.md").write_text(changelog, "utf-8")
    script = folder / ".ci/release_notes.py"
    return subprocess.run([sys.executable, script, tag], capture_output=True, text=True, check=False)


def test_the_notes_of_a_release_are_its_section_of_the_changelog(tmp_path: Path) -> None:
    changelog = (
        f"# Changelog\n\n## [{VERSION}] - 2026-12-01\n\n### Added\n\n- A bell.\n\n## [0.0.1] - 2026-01-01\n\nOld.\n"
    )
    done = release_notes(tmp_path, f"v{VERSION}", changelog)
    assert (done.returncode, done.stdout) == (0, "### Added\n\n- A bell.\n"), done.stderr


@pytest.mark.parametrize(
    ("tag", "heading", "problem"),
    [
        ("v9.9.9", f"## [{VERSION}] - 2026-12-01", f"which is v{VERSION}"),
        (VERSION, f"## [{VERSION}] - 2026-12-01", f"which is v{VERSION}"),
        (f"v{VERSION}", "## [Unreleased]", "CHANGELOG.md has no section"),
        (f"v{VERSION}", f"## [{VERSION}]", "CHANGELOG.md has no section"),
    ],
)
def test_a_tag_without_its_version_and_dated_section_is_not_released(
    tmp_path: Path, tag: str, heading: str, problem: str
) -> None:
    done = release_notes(tmp_path, tag, f"# Changelog\n\n{heading}\n\n- A bell.\n")
    assert done.returncode == 1
    assert problem in done.stderr
    assert done.stdout == ""


def test_the_changelog_has_a_dated_section_for_each_version_before_this_one() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] in ("[Unreleased]", *(heading for heading in headings if heading.startswith(f"[{VERSION}] - ")))
    dated = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    assert all(dated)
    assert "0.1.0" in {match[1] for match in dated if match}
