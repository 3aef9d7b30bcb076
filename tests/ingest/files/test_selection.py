"""Only the requested documents of the folder are read."""

import os
import subprocess
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.errors import KnowledgeError
from rag.models.embedders.scripted import ScriptedEmbedder
from tests.kit.confined_folder import HIDDEN, ConfinedFolder, found
from tests.kit.corpus import Folder


@pytest.mark.parametrize("name", ["a..md", "..md", "...md", "a/..md", ".../b.md", "..a/b.md", "a.md/..b.md"])
def test_names_with_dots_never_lead_up(folder: Folder, name: str) -> None:
    folder.write(name, "# Dots\n")
    expected = [] if any(part.startswith(".") for part in name.split("/")) else [name]
    assert found(folder) == sorted(["good.md", *expected])


ODD_NAMES = [
    b"with space.md",
    "全角　空格.md".encode(),
    b'quote".md',
    b"quote'.md",
    b"back\\slash.md",
    b"back\\..\\..\\slash.md",
    b"percent%s.md",
    b"{brace}.md",
    b"[link](x).md",
    "emoji 🙂.md".encode(),
    "right\u202eto\u202cleft.md".encode(),
    b"-rf.md",
    b"tab\t.md",
    b"new\nline.md",
    b"escape\x1b[31m.md",
    b"latin-1 caf\xe9.md",
    b"x" * 240 + b".md",
]


def test_documents_with_odd_names_are_read_or_named_and_others_are_unharmed(confined: ConfinedFolder) -> None:
    paths = {number: os.fsencode(confined.folder.root) + b"/" + name for number, name in enumerate(ODD_NAMES)}
    for number, path in paths.items():
        with open(path, "wb") as file:  # noqa: PTH123  (a name that is no text)
            file.write(b"# Odd\n\nThe curlew%d has an odd name.\n" % number)
    confined.folder.write("new.md", "# New\n\nThe stork arrives.\n")
    report = confined.ingest()
    assert "stork" in confined.everything()
    assert all("\n" not in failure.source + failure.error for failure in report.failures)
    taken_in = {number for number in paths if f"curlew{number} " in confined.everything()}
    assert len(taken_in) + len(report.failures) == len(paths)
    assert {ODD_NAMES[number] for number in paths.keys() - taken_in} <= {
        b"tab\t.md",
        b"new\nline.md",
        *ODD_NAMES[-3:-1],
    }
    assert confined.ingest().embedded == 0
    for path in paths.values():
        os.unlink(path)  # noqa: PTH108
    after = ingest(confined.settings, confined.store, ScriptedEmbedder(), allow_mass_deletion=True)
    assert (after.ok, after.documents.removed) == (True, len(taken_in))
    assert "curlew" not in confined.everything()


def git(root: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-c", "core.quotePath=false", "-C", str(root), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


TREE = ["a.md", "b.md", "keep.md", "build/a.md", "build/keep.md", "sub/a.md", "sub/keep.md", "sub/build/a.md"]
TREE += ["sub/deep/a.md", "sub/deep/keep.md", "sub/deep/b.md", "notes #1.md", "!odd.md", "space .md", "草稿/a.md"]
IGNORES: dict[str, dict[str, str]] = {
    "a name": {"": "a.md\n"},
    "a name at the top only": {"": "/a.md\n"},
    "a folder anywhere": {"": "build/\n"},
    "a folder at the top only": {"": "/build\n"},
    "comments, blanks and escapes": {"": "# a comment\n\n\\#no\n\\!odd.md\nnotes \\#1.md\nspace\\ .md\n"},
    "two stars": {"": "**/deep/**\n"},
    "a path": {"": "sub/deep/a.md\n"},
    "a class and a question mark": {"": "[ab].md\nkee?.md\n"},
    "Chinese": {"": "草稿/\n"},
    "all but one": {"": "*.md\n!keep.md\n"},
    "all but one in a folder that is left out": {"": "sub/\n!sub/keep.md\n"},
    "all but one folder": {"": "/*\n!/sub/\n"},
    "the order counts": {"": "!keep.md\nkeep.md\n"},
    "one below": {"sub": "a.md\n"},
    "one below speaks of its own folder only": {"sub": "/a.md\nbuild/\n"},
    "one below takes back what one above leaves out": {"": "a.md\n", "sub": "!a.md\n"},
    "one below takes back all of it": {"": "*.md\n", "sub": "!*.md\n", "sub/deep": "b.md\n"},
    "one two below takes back": {"": "keep.md\n", "sub/deep": "!keep.md\n"},
    "one below leaves out what one above takes back": {"": "*.md\n!keep.md\n", "sub": "keep.md\n"},
    "one below cannot take back a folder that is left out": {"": "sub/deep/\n", "sub/deep": "!a.md\n"},
    "Windows line ends": {"": "a.md\r\nbuild/\r\n"},
    "no newline at the end": {"": "a.md"},
}


@pytest.mark.parametrize("ignores", IGNORES.values(), ids=IGNORES.keys())
def test_exactly_the_files_that_git_ignores_are_skipped(tmp_path: Path, ignores: dict[str, str]) -> None:
    """Compared with git itself."""
    folder = Folder(tmp_path / "docs")
    for source in TREE:
        folder.write(source, f"# {source}\n")
    for place, text in ignores.items():
        folder.write(f"{place}/.gitignore".lstrip("/"), text)
    git(folder.root, "init", "--quiet")
    seen = git(folder.root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.md").split("\0")
    assert found(folder) == sorted(filter(None, seen))
    assert found(folder, gitignore=False) == sorted(TREE)


def test_ignored_hidden_and_excluded_documents_never_reach_the_store(confined: ConfinedFolder) -> None:
    confined.folder.write(".gitignore", "private/\n")
    confined.folder.write("private/a.md", HIDDEN)
    confined.folder.write(".obsidian/a.md", HIDDEN)
    confined.folder.write(".hidden.md", HIDDEN)
    confined.folder.write("drafts/a.md", HIDDEN)
    confined.folder.write("a.md.bak", HIDDEN)
    confined.folder.write("golden.yaml", "questions: []\n")
    settings = confined.settings.model_copy(
        update={"knowledge": confined.settings.knowledge.model_copy(update={"exclude": ("drafts/",)})}
    )
    assert ingest(settings, confined.store, ScriptedEmbedder()).ok
    assert set(confined.store.snapshot().documents()) == {"good.md"}
    assert "kingfisher" not in confined.everything()


def test_a_document_that_becomes_ignored_is_removed(confined: ConfinedFolder) -> None:
    for number in range(6):
        confined.folder.write(f"more{number}.md", f"# More\n\nNumber {number}.\n")
    confined.folder.write("later.md", HIDDEN)
    assert confined.ingest().ok
    assert "kingfisher" in confined.everything()
    confined.folder.write(".gitignore", "later.md\n")
    report = confined.ingest()
    assert (report.ok, report.documents.removed) == (True, 1)
    assert "kingfisher" not in confined.everything()


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("*.md", "*.txt"), (), ["a.md", "a.txt", "good.md", "sub/b.md"]),
        (("*.md",), ("sub/",), ["a.md", "good.md"]),
        (("*.md",), ("*", "!a.md"), ["a.md"]),
        (("sub/",), (), ["sub/b.md"]),
        (("/a.*",), (), ["a.md", "a.txt"]),
        (("*.MD",), (), ["a.md", "good.md", "sub/b.md"]),
        (("A.md",), (), []),
    ],
)
def test_include_and_exclude_decide_together(
    folder: Folder, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]
) -> None:
    for source in ("a.md", "a.txt", "sub/b.md", ".git/c.md"):
        folder.write(source, "x\n")
    if expected:
        assert found(folder, *include, exclude=exclude) == expected
    else:
        with pytest.raises(KnowledgeError, match="holds no documents"):
            found(folder, *include, exclude=exclude)
