"""The rules above the knowledge folder hold, up to the root of its git repository."""

from pathlib import Path

import pytest

from ingest.files.scan import scan
from rag.errors import KnowledgeError
from tests.ingest.files.test_selection import git
from tests.kit.corpus import Folder
from tests.kit.permissions import forbidden

TREE = ("a.md", "b.md", "keep.md", "build/a.md", "sub/a.md", "sub/keep.md", "sub/deep/b.md")
ABOVE: dict[str, dict[str, str]] = {
    "a name": {".gitignore": "a.md\n"},
    "a folder": {".gitignore": "build/\n"},
    "a path from the top": {".gitignore": "/site/docs/sub/a.md\n"},
    "a path that is not from here": {".gitignore": "/sub/a.md\n/a.md\n"},
    "two above": {".gitignore": "a.md\n", "site/.gitignore": "!a.md\ndocs/b.md\n"},
    "taken back below": {".gitignore": "*.md\n", "site/docs/.gitignore": "!keep.md\n"},
    "two stars": {"site/.gitignore": "docs/**/a.md\n"},
    "info/exclude": {".git/info/exclude": "b.md\n/site/docs/build/\n"},
    "info/exclude is the weakest": {".git/info/exclude": "a.md\n", "site/.gitignore": "!a.md\n"},
    "a sibling's": {"site/other/.gitignore": "a.md\n"},
}


def write_site(root: Path, above: dict[str, str]) -> Folder:
    repository, folder = Folder(root), Folder(root / "site/docs")
    for source in TREE:
        folder.write(source, "x\n")
    git(root, "init", "--quiet")
    for place, text in above.items():
        repository.write(place, text)
    return folder


def found(folder: Folder, *, gitignore: bool = True) -> list[str]:
    return [file.source for file in scan(folder.root, include=("*.md",), gitignore=gitignore).files]


@pytest.mark.parametrize("above", ABOVE.values(), ids=ABOVE.keys())
def test_what_git_ignores_in_the_folder_is_left_out(tmp_path: Path, above: dict[str, str]) -> None:
    folder = write_site(tmp_path, above)
    seen = git(folder.root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.md").split("\0")
    assert found(folder) == sorted(filter(None, seen))
    assert found(folder, gitignore=False) == sorted(TREE)


def test_without_a_repository_nothing_above_the_folder_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "docs")
    folder.write("a.md", "x")
    (tmp_path / ".gitignore").write_text("a.md\n")
    assert found(folder) == ["a.md"]


def test_nothing_above_the_root_of_the_repository_counts(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    folder = write_site(tmp_path / "repo", {})
    (tmp_path / ".gitignore").write_text("a.md\n")
    assert found(folder) == sorted(TREE)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_knowledge_folder_may_be_the_root_of_the_repository_or_a_worktree(tmp_path: Path, kind: str) -> None:
    folder = Folder(tmp_path / "docs")
    for source in ("a.md", "b.md"):
        folder.write(source, "x")
    folder.write(".gitignore", "a.md\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("b.md\n")
    if kind == "folder":
        (folder.root / ".git").mkdir()
    else:
        folder.write(".git", "gitdir: /elsewhere\n")
    assert found(folder) == ["b.md"]


def test_a_folder_that_is_ignored_itself_was_named_and_is_read(tmp_path: Path) -> None:
    folder = write_site(tmp_path, {".gitignore": "docs/\nkeep.md\n"})
    assert found(folder) == sorted(source for source in TREE if "keep" not in source)


def test_a_folder_in_which_everything_is_ignored_says_so(tmp_path: Path) -> None:
    folder = write_site(tmp_path, {".gitignore": "*\n"})
    with pytest.raises(KnowledgeError, match="passed over: ignored 5"):
        found(folder)


def test_a_gitignore_above_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = write_site(tmp_path, {".gitignore": "a.md\n", "site/.gitignore": "b.md\n"})
    with forbidden(tmp_path / ".gitignore"):
        seen = scan(folder.root, include=("*.md",))
    assert [place.source for place in seen.unreadable] == ["../../.gitignore"]
    assert "b.md" not in [file.source for file in seen.files]


def test_a_folder_that_is_a_link_is_in_the_repository_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    folder = write_site(tmp_path / "repo", {".gitignore": "a.md\n"})
    (tmp_path / "link").symlink_to(folder.root)
    assert "a.md" not in found(Folder(tmp_path / "link"))
