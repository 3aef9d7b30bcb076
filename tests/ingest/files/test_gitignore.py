"""A .gitignore leaves out the same files as git does, for any patterns."""

import os
import random
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from ingest.files.gitignore import is_ignored, parse_gitignore
from ingest.files.scan import scan
from rag.errors import KnowledgeError
from tests.kit.corpus import Folder

NAMES = ["a.md", "b.md", "ab.md", "b a.md", "a]b.md", "!a.md", "#b.md", "a\\b.md", "éa.md"]
FOLDERS = ["a", "b", "ab", "é"]
PIECES = ["a", "b", "ab", "*", "**", "?", "a*", "*.md", "a.md", "b.md", "[ab]", "[!a]", "[^a]*", "[a-b].md", "b a.md"]
PIECES += ["b\\ a.md", "é", "?*", "*b*", "\\a.md", "[]a]*", "\\!a.md", "\\#b.md", "a\\\\b.md"]


def pattern(chance: random.Random) -> str:
    path = "/".join(chance.choices(PIECES, k=chance.choice([1, 1, 1, 2, 2, 3])))
    before = chance.choice(["", "", "", "/", "!", "!/", "#"])
    return before + path + chance.choice(["", "", "/"]) + chance.choice(["", "", " ", "\r"])


def write_tree(folder: Folder, chance: random.Random) -> None:
    """Fourteen files up to three folders deep, and up to four .gitignore files among them."""
    for _ in range(14):
        folder.write("/".join([*chance.choices(FOLDERS, k=chance.randint(0, 3)), chance.choice(NAMES)]), "x\n")
    places = [folder.root, *sorted(path for path in folder.root.rglob("*") if path.is_dir())]
    for place in chance.sample(places, min(len(places), chance.randint(1, 4))):
        lines = [pattern(chance) for _ in range(chance.randint(1, 4))]
        (place / ".gitignore").write_text("\n".join(lines), encoding="utf-8", newline="\n")


def seen_by_git(root: Path) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    listing = ["ls-files", "-z", "--others", "--exclude-standard", "--", "*.md"]
    for arguments in (["init", "--quiet"], listing):
        done = subprocess.run(["git", "-C", str(root), *arguments], env=environment, capture_output=True, check=True)
    return sorted(filter(None, done.stdout.decode().split("\0")))


def seen_by_us(root: Path) -> list[str]:
    try:
        return [file.source for file in scan(root, include=("*.md",)).files]
    except KnowledgeError as error:
        assert "holds no documents" in str(error)
        return []


@pytest.mark.parametrize("seed", range(40))
def test_any_patterns_leave_out_what_git_leaves_out(tmp_path: Path, seed: int) -> None:
    folder = Folder(tmp_path / "docs")
    write_tree(folder, random.Random(seed))  # noqa: S311
    assert seen_by_us(folder.root) == seen_by_git(folder.root)


@pytest.mark.parametrize("line", ["[b-a].md", "[", "a\\", "!", "/", "!/", "#a.md", " ", "a.md\t"])
def test_a_line_that_means_nothing_leaves_nothing_out(line: str) -> None:
    rules = [parse_gitignore(PurePosixPath(), f"{line}\n")]
    assert not is_ignored(PurePosixPath("a.md"), is_folder=False, rules=rules)


def test_a_byte_order_mark_is_not_part_of_the_first_pattern() -> None:
    rules = [parse_gitignore(PurePosixPath(), "\ufeffa.md")]
    assert is_ignored(PurePosixPath("a.md"), is_folder=False, rules=rules)
