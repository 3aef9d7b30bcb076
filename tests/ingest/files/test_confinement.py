"""Nothing outside the knowledge folder is ever read, and of what is inside only what was asked for."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.files.scan import File, scan
from ingest.golden import load_golden
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.errors import DocumentError, KnowledgeError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import Settings
from rag.store.store import Store
from tests.kit.corpus import Folder, settings_for
from tests.kit.pictures import dump

MARKDOWN = ("*.md",)
ANY_SIZE = 1_000_000
HIDDEN = "# Secret\n\nThe passphrase is kingfisher.\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root, with a secret."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "secret.md").write_text(HIDDEN, encoding="utf-8")
    (folder / "sub" / "secret.md").write_text(HIDDEN, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with one good document."""
    folder = Folder(tmp_path / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    return folder


def found(folder: Folder, *include: str, exclude: tuple[str, ...] = (), gitignore: bool = True) -> list[str]:
    files = scan(folder.root, include=include or MARKDOWN, exclude=exclude, gitignore=gitignore)
    return [file.source for file in files]


def file_of(folder: Folder, source: str) -> File:
    [file] = [file for file in scan(folder.root, include=MARKDOWN) if file.source == source]
    return file


@dataclass(frozen=True, slots=True)
class Shelf:
    folder: Folder
    settings: Settings
    store: Store

    def ingest(self) -> IngestReport:
        return ingest(self.settings, self.store, ScriptedEmbedder())

    def everything(self) -> str:
        return "\n".join(dump(self.store))


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which one document has been ingested, because the first ingest of all takes longest."""
    place = tmp_path_factory.mktemp("confined")
    folder = Folder(place / "docs")
    folder.write("good.md", "# Good\n\nThe heron nests in March.\n")
    settings = settings_for(folder.root, place / "m.db")
    store = Store.open(settings.store)
    assert ingest(settings, store, ScriptedEmbedder()).ok
    store.close()
    return place / "m.db"


@pytest.fixture
def shelf(empty_database: Path, folder: Folder, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copy2(empty_database, tmp_path / "m.db")
    settings = settings_for(folder.root, tmp_path / "m.db")
    store = Store.open(settings.store)
    yield Shelf(folder, settings, store)
    store.close()


# Links


def test_links_of_every_kind_lead_nowhere(folder: Folder, outside: Path) -> None:
    root = folder.root
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "relative.md").symlink_to("../outside/secret.md")
    (root / "folder").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to(".")
    (root / "self.md").symlink_to("self.md")
    (root / "there").symlink_to("back")
    (root / "back").symlink_to("there")
    (root / "inner.md").symlink_to("good.md")
    (root / "nowhere.md").symlink_to("nothing.md")
    (root / "proc").symlink_to("/proc/self")
    assert found(folder, "*") == ["good.md"]


def test_a_root_that_is_itself_a_link_is_followed(folder: Folder, tmp_path: Path) -> None:
    """Whoever configured it meant the folder behind it."""
    (tmp_path / "link").symlink_to(folder.root)
    [file] = scan(tmp_path / "link", include=MARKDOWN)
    assert file.read(ANY_SIZE).startswith(b"# Good")


def test_linked_documents_never_reach_the_store(shelf: Shelf, outside: Path) -> None:
    (shelf.folder.root / "file.md").symlink_to(outside / "secret.md")
    (shelf.folder.root / "folder").symlink_to(outside)
    os.link(outside / "secret.md", shelf.folder.root / "hard.md")
    shelf.folder.write("new.md", "# New\n\nThe stork arrives.\n")
    report = shelf.ingest()
    [failure] = report.failures
    assert (failure.source, failure.error) == ("hard.md", "is hard-linked from outside the folder; copy it instead")
    assert "kingfisher" not in shelf.everything()
    assert "stork" in shelf.everything()


def test_a_hard_link_to_a_file_outside_is_never_opened(folder: Folder, outside: Path) -> None:
    """Opening changes the time of access, where the file system keeps it."""
    os.link(outside / "secret.md", folder.root / "hard.md")
    os.utime(outside / "secret.md", ns=(1, 1))
    before = (outside / "secret.md").stat().st_atime_ns
    with pytest.raises(DocumentError, match=r"^hard\.md: is hard-linked"):
        file_of(folder, "hard.md").read(ANY_SIZE)
    assert (outside / "secret.md").stat().st_atime_ns == before


def test_a_document_under_two_names_inside_is_two_documents(shelf: Shelf) -> None:
    (shelf.folder.root / "sub").mkdir()
    os.link(shelf.folder.root / "good.md", shelf.folder.root / "sub" / "twin.md")
    assert shelf.ingest().ok
    assert set(shelf.store.snapshot().documents()) == {"good.md", "sub/twin.md"}


def test_a_document_under_two_names_inside_and_one_outside_is_refused_under_both(folder: Folder, outside: Path) -> None:
    os.link(outside / "secret.md", folder.root / "one.md")
    os.link(outside / "secret.md", folder.root / "two.md")
    for source in ("one.md", "two.md"):
        with pytest.raises(DocumentError, match="is hard-linked"):
            file_of(folder, source).read(ANY_SIZE)


# Things that change between the scan and the reading


def test_a_folder_swapped_for_a_link_after_the_scan_is_refused(folder: Folder, outside: Path) -> None:
    folder.write("sub/deep/secret.md", "# Mine\n")
    file = file_of(folder, "sub/deep/secret.md")
    shutil.rmtree(folder.root / "sub" / "deep")
    (folder.root / "sub" / "deep").symlink_to(outside)
    with pytest.raises(DocumentError, match=r"^sub/deep/secret\.md: cannot be read"):
        file.read(ANY_SIZE)
    shutil.rmtree(folder.root / "sub")
    (folder.root / "sub").symlink_to(outside)
    with pytest.raises(DocumentError, match=r"^sub/deep/secret\.md: cannot be read"):
        file.read(ANY_SIZE)


def test_a_file_swapped_for_a_link_after_the_scan_is_refused(folder: Folder, outside: Path) -> None:
    file = file_of(folder, "good.md")
    folder.delete("good.md")
    (folder.root / "good.md").symlink_to(outside / "secret.md")
    with pytest.raises(DocumentError, match=r"^good\.md: cannot be read"):
        file.read(ANY_SIZE)


def test_a_file_swapped_for_a_hard_link_to_outside_after_the_scan_is_refused(folder: Folder, outside: Path) -> None:
    file = file_of(folder, "good.md")
    folder.delete("good.md")
    os.link(outside / "secret.md", folder.root / "good.md")
    with pytest.raises(DocumentError, match=r"^good\.md: "):
        file.read(ANY_SIZE)


def test_a_file_saved_by_renaming_another_over_it_after_the_scan_is_read(folder: Folder) -> None:
    file = file_of(folder, "good.md")
    folder.write("good.md.tmp", "# Good\n\nSaved again.\n")
    folder.rename("good.md.tmp", "good.md")
    assert b"Saved again" in file.read(ANY_SIZE)


# Names


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


def test_documents_with_odd_names_are_taken_in_or_named_and_harm_no_other(shelf: Shelf) -> None:
    paths = {number: os.fsencode(shelf.folder.root) + b"/" + name for number, name in enumerate(ODD_NAMES)}
    for number, path in paths.items():
        with open(path, "wb") as file:  # noqa: PTH123  (a name that is no text)
            file.write(b"# Odd\n\nThe curlew%d has an odd name.\n" % number)
    shelf.folder.write("new.md", "# New\n\nThe stork arrives.\n")
    report = shelf.ingest()
    assert "stork" in shelf.everything()
    assert all("\n" not in failure.source + failure.error for failure in report.failures)
    taken_in = {number for number in paths if f"curlew{number} " in shelf.everything()}
    assert len(taken_in) + len(report.failures) == len(paths)
    assert {ODD_NAMES[number] for number in paths.keys() - taken_in} <= {
        b"tab\t.md",
        b"new\nline.md",
        *ODD_NAMES[-3:-1],
    }
    assert shelf.ingest().embedded == 0
    for path in paths.values():
        os.unlink(path)  # noqa: PTH108
    after = ingest(shelf.settings, shelf.store, ScriptedEmbedder(), allow_mass_deletion=True)
    assert (after.ok, after.documents.removed) == (True, len(taken_in))
    assert "curlew" not in shelf.everything()


# What is no regular file


def test_pipes_sockets_and_devices_are_passed_over_without_waiting(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder.root / "socket.md"))
        try:
            os.mknod(folder.root / "zero.md", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        except PermissionError:
            assert os.geteuid() != 0
        (folder.root / "folder.md").mkdir()
        assert found(folder, "*") == ["good.md"]


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_a_file_swapped_for_something_else_after_the_scan_is_refused_at_once(folder: Folder, kind: str) -> None:
    file = file_of(folder, "good.md")
    folder.delete("good.md")
    path = folder.root / "good.md"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            server.bind(str(path))
        else:
            try:
                os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
            except PermissionError:
                pytest.skip("devices cannot be made here")
        with pytest.raises(DocumentError, match=r"^good\.md: "):
            file.read(ANY_SIZE)


def ended_within_10_seconds(program: str, root: Path) -> bool:
    """Whether a program about the folder `root` ends; a pipe without a writer would be waited for without end."""
    try:
        subprocess.run([sys.executable, "-P", "-c", program, str(root)], timeout=10, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_pipe_in_place_of_the_golden_questions_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.root / "golden.yaml")
    program = "import sys, pathlib, ingest.golden; ingest.golden.load_golden(pathlib.Path(sys.argv[1]))"
    assert ended_within_10_seconds(program, folder.root)


def test_a_pipe_in_place_of_a_gitignore_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.root / ".gitignore")
    program = (
        "import sys, pathlib; from ingest.files.scan import scan; scan(pathlib.Path(sys.argv[1]), include=['*.md'])"
    )
    assert ended_within_10_seconds(program, folder.root)


def test_golden_questions_are_not_read_through_a_link_to_outside(folder: Folder, outside: Path) -> None:
    (outside / "golden.yaml").write_text("kingfisher: 7\n", encoding="utf-8")
    (folder.root / "golden.yaml").symlink_to(outside / "golden.yaml")
    try:
        questions = load_golden(folder.root)
    except KnowledgeError as error:
        assert "kingfisher" not in str(error)
    else:
        assert questions == ()


def test_a_gitignore_is_not_read_through_a_link_to_outside(folder: Folder, outside: Path) -> None:
    (outside / "ignored").write_bytes(b"good.md\n")
    (folder.root / ".gitignore").symlink_to(outside / "ignored")
    assert found(folder) == ["good.md"]


# What was asked for


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
def test_what_git_ignores_is_passed_over_and_nothing_else(tmp_path: Path, ignores: dict[str, str]) -> None:
    """Git itself is asked."""
    folder = Folder(tmp_path / "docs")
    for source in TREE:
        folder.write(source, f"# {source}\n")
    for place, text in ignores.items():
        folder.write(f"{place}/.gitignore".lstrip("/"), text)
    git(folder.root, "init", "--quiet")
    seen = git(folder.root, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.md").split("\0")
    assert found(folder) == sorted(filter(None, seen))
    assert found(folder, gitignore=False) == sorted(TREE)


def test_ignored_hidden_and_excluded_documents_never_reach_the_store(shelf: Shelf) -> None:
    shelf.folder.write(".gitignore", "private/\n")
    shelf.folder.write("private/a.md", HIDDEN)
    shelf.folder.write(".obsidian/a.md", HIDDEN)
    shelf.folder.write(".hidden.md", HIDDEN)
    shelf.folder.write("drafts/a.md", HIDDEN)
    shelf.folder.write("a.md.bak", HIDDEN)
    shelf.folder.write("golden.yaml", "questions: []\n")
    settings = shelf.settings.model_copy(
        update={"knowledge": shelf.settings.knowledge.model_copy(update={"exclude": ("drafts/",)})}
    )
    assert ingest(settings, shelf.store, ScriptedEmbedder()).ok
    assert set(shelf.store.snapshot().documents()) == {"good.md"}
    assert "kingfisher" not in shelf.everything()


def test_a_document_that_becomes_ignored_is_removed(shelf: Shelf) -> None:
    for number in range(6):
        shelf.folder.write(f"more{number}.md", f"# More\n\nNumber {number}.\n")
    shelf.folder.write("later.md", HIDDEN)
    assert shelf.ingest().ok
    assert "kingfisher" in shelf.everything()
    shelf.folder.write(".gitignore", "later.md\n")
    report = shelf.ingest()
    assert (report.ok, report.documents.removed) == (True, 1)
    assert "kingfisher" not in shelf.everything()


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("*.md", "*.txt"), (), ["a.md", "a.txt", "good.md", "sub/b.md"]),
        (("*.md",), ("sub/",), ["a.md", "good.md"]),
        (("*.md",), ("*", "!a.md"), ["a.md"]),
        (("sub/",), (), ["sub/b.md"]),
        (("/a.*",), (), ["a.md", "a.txt"]),
        (("*.MD",), (), []),
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
