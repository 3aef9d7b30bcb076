"""The days of last commits, and that no setting of a repository runs anything."""

import os
import subprocess
from pathlib import Path

import pytest

from ingest.files.git_dates import git_dates
from ingest.files.scan import scan_knowledge
from rag.settings import KnowledgeSettings

NAMES = ("a.md", "guides/中 文.md", "guides/b.md")


def git(folder: Path, *arguments: str, day: str = "2020-01-01") -> None:
    own = {"GIT_AUTHOR_DATE": f"{day}T12:00:00+0000", "GIT_CONFIG_GLOBAL": "/dev/null"}
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=os.environ | own, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three files of 2020, of which one was changed in 2021; the knowledge folder is `docs`."""
    root = tmp_path / "repository"
    for name in NAMES:
        path = root / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", "utf-8")
    git(root, "init", "-q", ".")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    (root / "docs/guides/b.md").write_text("# changed\n", "utf-8")
    git(root, "commit", "-qam", "two", day="2021-05-06")
    return root


def dates(folder: Path) -> dict[str, str]:
    files = list(scan_knowledge(KnowledgeSettings(path=folder)).files)
    return git_dates(files, max_bytes=1_000_000)


def test_a_file_has_the_day_of_its_last_commit(repository: Path) -> None:
    expected = {"a.md": "2020-01-01", "guides/中 文.md": "2020-01-01", "guides/b.md": "2021-05-06"}
    assert dates(repository / "docs") == expected
    assert dates(repository) == {f"docs/{name}": day for name, day in expected.items()}


def test_what_was_edited_or_never_committed_has_none(repository: Path) -> None:
    (repository / "docs/a.md").write_text("# edited\n", "utf-8")
    (repository / "docs/new.md").write_text("# new\n", "utf-8")
    assert dates(repository / "docs").keys() == {"guides/中 文.md", "guides/b.md"}


def test_a_folder_without_a_repository_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# a\n", "utf-8")
    assert dates(tmp_path) == {}
    (tmp_path / ".git").mkdir()  # not one either
    assert dates(tmp_path) == {}


def test_of_the_oldest_commit_of_a_shallow_clone_there_is_none(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert dates(tmp_path / "shallow/docs") == {}
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{repository}", "deeper")
    assert dates(tmp_path / "deeper/docs") == {"guides/b.md": "2021-05-06"}


def test_no_setting_of_the_repository_runs_a_program(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n", "utf-8")
    program.chmod(0o755)
    for name in ("gpg.program", "core.fsmonitor", "core.pager", "pager.log", "diff.external", "core.sshCommand"):
        git(repository, "config", name, str(program))
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "filter.x.clean", str(program))
    git(repository, "config", "alias.log", f"!{program}")
    hooks = repository / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "pre-auto-gc", "post-checkout"):
        (hooks / hook).write_text(program.read_text("utf-8"), "utf-8")
        (hooks / hook).chmod(0o755)
    (repository / ".gitattributes").write_text("*.md filter=x diff=x\n", "utf-8")
    (repository / "docs/a.md").write_text("# edited\n", "utf-8")
    assert len(dates(repository / "docs")) == 2
    assert not ran.exists()


def test_a_few_objects_that_stand_for_billions_of_files_are_not_listed_to_the_end(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", ".")
    (tmp_path / "a.md").write_text("# a\n", "utf-8")
    git(tmp_path, "add", "a.md")
    made = out(tmp_path, "ls-files", "-s").split()[1]
    for level in range(10):
        kind, mode = ("tree", "040000") if level else ("blob", "100644")
        names = "".join(f"{mode} {kind} {made}\t{letter}.md\n" for letter in "abcdefghij")
        made = out(tmp_path, "mktree", stdin=names)
    commit = out(tmp_path, "commit-tree", "-m", "bomb", made)
    git(tmp_path, "update-ref", "HEAD", commit)
    assert dates(tmp_path) == {}


def out(folder: Path, *arguments: str, stdin: str = "") -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, check=True, capture_output=True, text=True).stdout.strip()


def test_what_a_partial_clone_lacks_is_not_fetched(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=tree:0", "--no-checkout", f"file://{repository}", "partial")
    partial, ran = tmp_path / "partial", tmp_path / "ran"
    git(partial, "config", "remote.origin.url", f"ext::sh -c 'touch {ran}'")
    git(partial, "config", "protocol.ext.allow", "always")
    (partial / "a.md").write_text("# a\n", "utf-8")
    assert dates(partial) == {}
    assert not ran.exists()
