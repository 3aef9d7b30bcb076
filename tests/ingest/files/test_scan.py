import os
import unicodedata
from pathlib import Path

import pytest

from ingest.files.scan import File, scan
from rag.errors import DocumentError, KnowledgeError

MARKDOWN = ("*.md", "*.markdown")
ANY_SIZE = 1_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}", encoding="utf-8")


def sources(root: Path, *include: str, exclude: tuple[str, ...] = (), gitignore: bool = True) -> list[str]:
    return [file.source for file in scan(root, include=include or MARKDOWN, exclude=exclude, gitignore=gitignore).files]


def one(root: Path) -> File:
    [file] = scan(root, include=MARKDOWN).files
    return file


def test_documents_are_found_at_any_depth_in_the_order_of_their_paths(root: Path) -> None:
    write(root, "b.md", "a/z.md", "a/b/c.markdown", "中文/说明.md", "a.txt", "a.md.bak")
    assert sources(root) == ["a/b/c.markdown", "a/z.md", "b.md", "中文/说明.md"]


def test_a_file_is_read_with_its_size_and_time(root: Path) -> None:
    write(root, "a/b.md")
    file = one(root)
    assert file.read(ANY_SIZE) == b"text of a/b.md"
    assert file.size == len(b"text of a/b.md")
    assert file.modified_ns == (root / "a/b.md").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("**/*.md",), (), ["a.md", "drafts/c.md", "sub/b.md"]),
        (("/*.md",), (), ["a.md"]),
        (("sub/",), (), ["sub/b.md", "sub/b.txt"]),
        (("*.md", "!a.md"), (), ["drafts/c.md", "sub/b.md"]),
        (("*.md",), ("drafts/",), ["a.md", "sub/b.md"]),
        (("*.md",), ("**/drafts/**", "a.*"), ["sub/b.md"]),
        (("*.md",), ("*", "!sub/b.md"), ["sub/b.md"]),
        (("*.txt",), (), ["sub/b.txt"]),
    ],
)
def test_include_and_exclude_are_gitignore_patterns(
    root: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]
) -> None:
    write(root, "a.md", "sub/b.md", "sub/b.txt", "drafts/c.md")
    assert sources(root, *include, exclude=exclude) == expected


def test_hidden_files_and_folders_are_passed_over(root: Path) -> None:
    write(root, "a.md", ".hidden.md", ".git/x.md", "sub/.obsidian/y.md")
    assert sources(root) == ["a.md"]


def test_files_that_git_ignores_are_skipped_unless_requested(root: Path) -> None:
    write(root, "a.md", "build/b.md", "sub/c.md", "sub/keep.md")
    (root / ".gitignore").write_text("build/\n")
    (root / "sub/.gitignore").write_text("c.md\n/a.md\n")
    assert sources(root) == ["a.md", "sub/keep.md"]
    assert sources(root, gitignore=False) == ["a.md", "build/b.md", "sub/c.md", "sub/keep.md"]


def test_pipes_and_sockets_are_passed_over(root: Path) -> None:
    write(root, "a.md")
    os.mkfifo(root / "pipe.md")
    (root / "folder.md").mkdir()
    assert sources(root) == ["a.md"]


def test_a_file_replaced_by_a_link_after_the_scan_is_refused(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "secret.md")
    write(root, "a.md")
    file = one(root)
    (root / "a.md").unlink()
    (root / "a.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(DocumentError, match=r"^a\.md: "):
        file.read(ANY_SIZE)


def test_a_folder_replaced_by_a_link_after_the_scan_is_refused(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/a.md")
    write(root, "sub/a.md")
    file = one(root)
    (root / "sub").rename(root / "gone")
    (root / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(DocumentError, match=r"^sub/a\.md: "):
        file.read(ANY_SIZE)


def test_a_file_replaced_by_a_pipe_after_the_scan_is_refused_at_once(root: Path) -> None:
    write(root, "a.md")
    file = one(root)
    (root / "a.md").unlink()
    os.mkfifo(root / "a.md")
    with pytest.raises(DocumentError, match=r"^a\.md: "):
        file.read(ANY_SIZE)


@pytest.mark.parametrize("replacement", ["nothing", "folder"])
def test_a_file_that_is_gone_after_the_scan_is_named(root: Path, replacement: str) -> None:
    write(root, "a.md")
    file = one(root)
    (root / "a.md").unlink()
    if replacement == "folder":
        (root / "a.md").mkdir()
    with pytest.raises(DocumentError, match=r"^a\.md: "):
        file.read(ANY_SIZE)


def test_a_file_with_another_name_outside_is_refused(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "secret.md")
    (root / "a.md").hardlink_to(tmp_path / "secret.md")
    with pytest.raises(DocumentError, match=r"^a\.md: is hard-linked"):
        one(root).read(ANY_SIZE)


def test_a_file_with_two_names_in_the_folder_is_read_under_both(root: Path) -> None:
    write(root, "a.md")
    (root / "b.md").hardlink_to(root / "a.md")
    assert [file.read(ANY_SIZE) for file in scan(root, include=MARKDOWN).files] == [b"text of a.md"] * 2


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(root: Path) -> None:
    write(root, "a.md")
    file = one(root)
    assert file.read(file.size)
    with pytest.raises(DocumentError, match=rf"^a\.md: larger than .*\({file.size - 1}\)"):
        file.read(file.size - 1)


def test_names_are_composed_and_the_file_is_still_found(root: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é/ガイド.md")
    write(root, decomposed)
    file = one(root)
    assert file.source == unicodedata.normalize("NFC", "é/ガイド.md")
    assert file.read(ANY_SIZE) == f"text of {decomposed}".encode()


def test_patterns_match_the_composed_name(root: Path) -> None:
    write(root, unicodedata.normalize("NFD", "café.md"), "other.md")
    assert sources(root, unicodedata.normalize("NFC", "café.md")) == [unicodedata.normalize("NFC", "café.md")]


def test_no_two_documents_have_the_same_source(root: Path) -> None:
    """Names that differ only in their Unicode form are two files and must not become one document."""
    try:
        write(root, unicodedata.normalize("NFC", "é.md"), unicodedata.normalize("NFD", "é.md"))
        found = sources(root)
    except KnowledgeError:
        return
    assert len(set(found)) == len(found)


def test_of_two_forms_of_a_name_the_composed_one_is_the_document(root: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.md") for form in ("NFC", "NFD"))
    write(root, composed, decomposed)
    if len(list(root.iterdir())) == 1:
        pytest.skip("to this file system both names are one")
    good, other = sorted(scan(root, include=MARKDOWN).files, key=lambda file: file.flaw)
    assert (good.source, good.read(ANY_SIZE)) == (composed, f"text of {composed}".encode())
    assert other.source == decomposed
    assert "in another Unicode form" in other.flaw


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"nowhere does not exist; name your folder .*knowledge\.path"):
        sources(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_an_error(root: Path) -> None:
    write(root, "a.md")
    with pytest.raises(KnowledgeError, match=r"a\.md is not a folder"):
        sources(root / "a.md")


def test_a_broken_link_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(tmp_path / "nowhere")
    with pytest.raises(KnowledgeError, match="docs does not exist"):
        sources(tmp_path / "docs")


@pytest.mark.parametrize("names", [(), ("a.txt",), (".hidden.md",)])
def test_a_folder_without_documents_is_an_error_that_names_the_patterns(root: Path, names: tuple[str, ...]) -> None:
    write(root, *names)
    with pytest.raises(KnowledgeError, match=r"docs holds no documents that match \*\.md, \*\.markdown"):
        sources(root)


@pytest.mark.parametrize("include", ["*.md", "*.MD", "*.Md", "**/*.mD", "/[RG]*.md"])
def test_a_suffix_counts_in_any_case(root: Path, include: str) -> None:
    write(root, "README.MD", "GUIDE.md", "Read.Me", "md")
    assert sources(root, include) == ["GUIDE.md", "README.MD"]


def test_an_excluded_suffix_counts_in_any_case_and_a_name_does_not(root: Path) -> None:
    write(root, "a.DRAFT.MD", "b.draft.md", "NOTES.md", "notes.md", "NOTE.TXT")
    assert sources(root, "*.md", "*.txt", exclude=("*.draft.MD", "notes.md")) == ["NOTE.TXT", "NOTES.md", "a.DRAFT.MD"]


def test_what_is_passed_over_is_counted_with_its_reason(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.md")
    write(
        root, "a.md", "b.PNG", "c.png", "LICENSE", "drafts/d.md", "drafts/e.md", ".hidden.md", ".git/x.md", "build/f.md"
    )
    write(root, "other.md", "golden.yaml")
    (root / ".gitignore").write_text("build/\n")
    (root / "out.md").symlink_to(tmp_path / "outside/secret.md")
    (root / "gone.md").symlink_to("nothing.md")
    os.mkfifo(root / "pipe.md")
    found = scan(root, include=("*.md", "!other.md"), exclude=("drafts/",))
    assert [file.source for file in found.files] == ["a.md"]
    assert found.passed_over == {
        "other suffix": 3,
        "hidden": 2,
        "ignored": 1,
        "excluded": 1,
        "not a regular file": 1,
        "link out of the folder": 1,
        "broken link": 1,
        "not included": 1,
    }
    assert found.other_suffixes == {".png": 2, "": 1}
    assert found.unreadable == ()


def test_a_folder_without_documents_says_what_was_passed_over(root: Path) -> None:
    write(root, "a.rst", "b.rst", "build/c.md")
    (root / ".gitignore").write_text("build/\n")
    with pytest.raises(KnowledgeError, match=r"other suffix 2, ignored 1"):
        sources(root)
