"""Odd neighbours of the documents are named and passed over; links inside the folder are followed."""

import os
from pathlib import Path

import pytest

from ingest.files.scan import FolderScan, scan
from rag.errors import KnowledgeError
from tests.kit.confined_folder import ANY_SIZE
from tests.kit.corpus import Folder
from tests.kit.permissions import forbidden


def look(folder: Folder, *exclude: str, include: tuple[str, ...] = ("*.md",)) -> FolderScan:
    return scan(folder.root, include=include, exclude=exclude)


def sources(found: FolderScan) -> list[str]:
    return [file.source for file in found.files]


def unreadable(found: FolderScan) -> list[str]:
    return [place.source for place in found.unreadable]


def test_a_subfolder_that_cannot_be_read_is_named_and_the_others_are_read(folder: Folder) -> None:
    folder.write("lost+found/a.md", "x")
    folder.write("team/sub/b.md", "x")
    folder.write("team/c.md", "x")
    with forbidden(folder.root / "lost+found", folder.root / "team/sub"):
        found = look(folder)
    assert sources(found) == ["good.md", "team/c.md"]
    assert unreadable(found) == ["lost+found", "team/sub"]
    assert found.unreadable[0].problem == "cannot be read: Permission denied"


def test_a_subfolder_that_can_be_listed_but_not_entered_is_named_once(folder: Folder) -> None:
    for name in ("a.md", "b.md", ".gitignore"):
        folder.write(f"listed/{name}", "x")
    with forbidden(folder.root / "listed", mode=0o400):
        found = look(folder)
    assert (sources(found), unreadable(found)) == (["good.md"], ["listed"])


@pytest.mark.parametrize("pattern", ["lost+found/", "lost+found", "/lost+found/**", "lost*", "*/"])
def test_an_unreadable_folder_that_is_excluded_is_not_named(folder: Folder, pattern: str) -> None:
    folder.write("lost+found/a.md", "x")
    with forbidden(folder.root / "lost+found"):
        found = look(folder, pattern)
    assert (sources(found), unreadable(found)) == (["good.md"], [])


def test_an_unreadable_folder_that_is_excluded_with_exceptions_is_not_named(folder: Folder) -> None:
    folder.write("lost+found/a.md", "x")
    folder.write("team/keep.md", "x")
    with forbidden(folder.root / "lost+found"):
        found = look(folder, "lost+found/", "team/", "!team/keep.md")
    assert (sources(found), unreadable(found)) == (["good.md", "team/keep.md"], [])


def test_an_excluded_folder_is_not_opened(folder: Folder) -> None:
    folder.write("private/a.md", "x")
    os.utime(folder.root / "private", ns=(1, 1))
    before = (folder.root / "private").stat().st_atime_ns
    assert look(folder, "private/").passed_over == {"excluded": 1}
    assert (folder.root / "private").stat().st_atime_ns == before


def test_ignored_and_hidden_folders_that_cannot_be_read_are_not_named(folder: Folder) -> None:
    folder.write(".cache/a.md", "x")
    folder.write("build/a.md", "x")
    folder.write(".gitignore", "build/\n")
    with forbidden(folder.root / ".cache", folder.root / "build"):
        assert unreadable(look(folder)) == []


def test_a_root_that_cannot_be_read_is_an_error(folder: Folder) -> None:
    with forbidden(folder.root), pytest.raises(KnowledgeError, match=r"cannot be read: Permission denied"):
        look(folder)


def test_a_folder_with_nothing_but_unreadable_folders_names_them(folder: Folder) -> None:
    folder.delete("good.md")
    folder.write("team/a.md", "x")
    with forbidden(folder.root / "team"), pytest.raises(KnowledgeError, match="team cannot be read"):
        look(folder)


def test_a_gitignore_that_cannot_be_read_is_named_and_leaves_nothing_out(folder: Folder) -> None:
    folder.write("sub/.gitignore", "a.md\n")
    folder.write("sub/a.md", "x")
    with forbidden(folder.root / "sub/.gitignore"):
        found, quiet = look(folder), look(folder, ".gitignore")
    assert (sources(found), unreadable(found)) == (["good.md", "sub/a.md"], ["sub/.gitignore"])
    assert (sources(quiet), unreadable(quiet)) == (["good.md", "sub/a.md"], [])


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_a_gitignore_in_an_encoding_that_documents_may_have_holds(folder: Folder, encoding: str) -> None:
    folder.write(".gitignore", "# 编译出来的文档和草稿不要收录\n草稿/\n构建结果.md\n".encode(encoding))
    folder.write("草稿/a.md", "x")
    folder.write("构建结果.md", "x")
    found = look(folder)
    assert (sources(found), unreadable(found)) == (["good.md"], [])


@pytest.mark.parametrize("content", [b"# caf\xe9 \xff\nbuild/\n", b"build/\n\xff\xfe.md\n", b"build/\n\x81\x20\n"])
def test_a_gitignore_in_another_encoding_is_named_and_its_bytes_count_as_in_git(folder: Folder, content: bytes) -> None:
    folder.write(".gitignore", content)
    folder.write("build/a.md", "x")
    found = look(folder)
    assert (sources(found), unreadable(found)) == (["good.md"], [".gitignore"])
    assert found.unreadable[0].problem.startswith("line ")


def test_links_to_places_in_the_folder_are_followed(folder: Folder) -> None:
    folder.write("text", "# No suffix\n")
    folder.write(".data/2026/a.md", "# A\n")
    (folder.root / "sub").mkdir()
    (folder.root / "sub/readme.md").symlink_to("../text")
    (folder.root / "current").symlink_to(folder.root / ".data/2026")
    (folder.root / "there.md").symlink_to("current/a.md")
    (folder.root / "round.md").symlink_to("../docs/good.md")
    found = look(folder)
    assert sources(found) == ["current/a.md", "good.md", "round.md", "sub/readme.md", "there.md"]
    texts = {file.source: file.read(ANY_SIZE) for file in found.files}
    assert texts["sub/readme.md"] == b"# No suffix\n"
    assert texts["current/a.md"] == texts["there.md"] == b"# A\n"
    assert texts["round.md"] == texts["good.md"]


def test_links_in_a_linked_folder_are_followed_from_where_it_is(folder: Folder) -> None:
    folder.write(".data/one/a.md", "# A\n")
    folder.write(".data/two/b.md", "# B\n")
    (folder.root / ".data/one/more").symlink_to("../two")
    (folder.root / "one").symlink_to(".data/one")
    assert sources(look(folder)) == ["good.md", "one/a.md", "one/more/b.md"]


@pytest.mark.parametrize(
    ("link", "target"), [("loop", "."), ("sub/up", ".."), ("sub/self", "../sub"), ("other", "sub"), ("third", "other")]
)
def test_a_folder_is_read_once_and_the_link_to_it_is_named(folder: Folder, link: str, target: str) -> None:
    folder.write("sub/a.md", "x")
    (folder.root / "other").symlink_to("sub")
    if link != "other":
        (folder.root / link).symlink_to(target)
    found = look(folder)
    assert sources(found) == ["good.md", "sub/a.md"]
    assert link in [place.source for place in found.repeated]
    assert found.passed_over["folder read already"] == len(found.repeated)
    assert found.unreadable == ()


def test_two_links_to_a_hidden_folder_are_one_folder(folder: Folder) -> None:
    folder.write(".data/a.md", "x")
    for name in ("one", "two"):
        (folder.root / name).symlink_to(".data")
    found = look(folder)
    assert sources(found) == ["good.md", "one/a.md"]
    assert [(place.source, place.problem) for place in found.repeated] == [
        ("two", "leads to a folder that is read already (.data)")
    ]


def test_links_that_lead_to_each_other_are_named(folder: Folder) -> None:
    (folder.root / "self.md").symlink_to("self.md")
    (folder.root / "there").symlink_to("back")
    (folder.root / "back").symlink_to("there")
    found = look(folder)
    assert sources(found) == ["good.md"]
    assert unreadable(found) == ["back", "self.md", "there"]
    assert found.unreadable[0].problem == "is a link in a loop of links"
    assert unreadable(look(folder, "self.md", "/back", "there")) == []


def test_links_to_what_is_excluded_or_ignored_are_not_followed(folder: Folder) -> None:
    folder.write(".gitignore", "build/\nsecret.md\n")
    for source in ("build/a.md", "secret.md", "drafts/b.md"):
        folder.write(source, "x")
    for name, target in {"built": "build", "a.md": "build/a.md", "s.md": "secret.md", "d": "drafts"}.items():
        (folder.root / name).symlink_to(target)
    (folder.root / "d.md").symlink_to("drafts/b.md")
    found = look(folder, "drafts/")
    assert sources(found) == ["good.md"]
    assert found.passed_over == {"ignored": 5, "excluded": 3}
    assert found.repeated == found.unreadable == ()


def test_a_link_is_ignored_and_excluded_by_its_own_name(folder: Folder) -> None:
    folder.write(".gitignore", "one\n")
    folder.write(".data/a.md", "x")
    for name in ("one", "two", ".three"):
        (folder.root / name).symlink_to(".data")
    found = look(folder, "two/")
    assert (sources(found), found.passed_over) == (["good.md"], {"hidden": 2, "ignored": 1, "excluded": 1})


def test_a_place_that_cannot_be_read_hides_what_is_below_it_and_nothing_else(folder: Folder) -> None:
    folder.write("team/a.md", "x")
    with forbidden(folder.root / "team"):
        found = look(folder)
    assert found.hides("team/a.md")
    assert found.hides("team/sub/b.md")
    assert not found.hides("team2/a.md")
    assert not found.hides("team.md")


def test_links_in_a_root_that_is_a_link_are_followed(folder: Folder, tmp_path: Path) -> None:
    (folder.root / "a.md").symlink_to(folder.root / "good.md")
    (tmp_path / "named").symlink_to(folder.root)
    found = scan(tmp_path / "named", include=("*.md",))
    assert [file.read(ANY_SIZE) for file in found.files] == [b"# Good\n\nThe heron nests in March.\n"] * 2
