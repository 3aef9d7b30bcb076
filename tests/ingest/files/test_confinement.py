"""Nothing outside the knowledge folder is ever read."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from ingest.files.confined import read_below, resolve_below
from ingest.files.scan import scan
from ingest.golden.questions import load_golden
from rag.errors import DocumentError, KnowledgeError
from tests.kit.confined_folder import ANY_SIZE, MARKDOWN, ConfinedFolder, file_of, found
from tests.kit.corpus import Folder


def test_no_kind_of_link_leads_out_of_the_folder(folder: Folder, outside: Path) -> None:
    root = folder.root
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "relative.md").symlink_to("../outside/secret.md")
    (root / "folder").symlink_to(outside)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to(".")
    (root / "self.md").symlink_to("self.md")
    (root / "there").symlink_to("back")
    (root / "back").symlink_to("there")
    (root / "nowhere.md").symlink_to("nothing.md")
    (root / "proc").symlink_to("/proc/self")
    (outside / "back.md").symlink_to("secret.md")
    (root / "twice.md").symlink_to(outside / "back.md")
    assert found(folder, "*") == ["good.md"]


@pytest.mark.parametrize("path", ["../outside/secret.md", "a/../../outside/secret.md", "..", ".", "a/../good.md"])
def test_a_path_with_dots_is_neither_resolved_nor_read(folder: Folder, outside: Path, path: str) -> None:
    (folder.root / "a").mkdir()
    for refused in (PurePosixPath(path), PurePosixPath(folder.root / path)):
        with pytest.raises(OSError, match="leads out of the folder"):
            read_below(folder.root, refused, max_bytes=ANY_SIZE)
        with pytest.raises(OSError, match="leads out of the folder"):
            resolve_below(folder.root, refused)
    assert read_below(folder.root, PurePosixPath("good.md"), max_bytes=ANY_SIZE)


def test_a_root_that_is_itself_a_link_is_followed(folder: Folder, tmp_path: Path) -> None:
    """The person who configured it meant the folder behind the link."""
    (tmp_path / "link").symlink_to(folder.root)
    [file] = scan(tmp_path / "link", include=MARKDOWN).files
    assert file.read(ANY_SIZE).startswith(b"# Good")


def test_the_target_of_a_link_swapped_for_a_link_to_outside_after_the_scan_is_refused(
    folder: Folder, outside: Path
) -> None:
    folder.write(".kept/deep/secret.md", "# Mine\n")
    (folder.root / "named").symlink_to(".kept/deep")
    (folder.root / "one.md").symlink_to(".kept/deep/secret.md")
    files = [file_of(folder, "named/secret.md"), file_of(folder, "one.md")]
    assert [file.read(ANY_SIZE) for file in files] == [b"# Mine\n"] * 2
    shutil.rmtree(folder.root / ".kept" / "deep")
    (folder.root / ".kept" / "deep").symlink_to(outside)
    for file in files:
        with pytest.raises(DocumentError, match="cannot be read"):
            file.read(ANY_SIZE)


def test_a_link_swapped_for_a_link_to_outside_after_the_scan_is_not_followed(folder: Folder, outside: Path) -> None:
    (folder.root / "link.md").symlink_to("good.md")
    file = file_of(folder, "link.md")
    (folder.root / "link.md").unlink()
    (folder.root / "link.md").symlink_to(outside / "secret.md")
    assert file.read(ANY_SIZE).startswith(b"# Good")


def test_a_hard_link_to_outside_is_refused_through_links_as_well(folder: Folder, outside: Path) -> None:
    """Two names of links in the folder do not make up for the name outside."""
    (folder.root / ".kept").mkdir()
    os.link(outside / "secret.md", folder.root / ".kept" / "secret.md")
    for name in ("one.md", "two.md"):
        (folder.root / name).symlink_to(".kept/secret.md")
    for name in ("one.md", "two.md"):
        with pytest.raises(DocumentError, match="is hard-linked"):
            file_of(folder, name).read(ANY_SIZE)


def test_linked_documents_never_reach_the_store(confined: ConfinedFolder, outside: Path) -> None:
    (confined.folder.root / "file.md").symlink_to(outside / "secret.md")
    (confined.folder.root / "folder").symlink_to(outside)
    os.link(outside / "secret.md", confined.folder.root / "hard.md")
    confined.folder.write("new.md", "# New\n\nThe stork arrives.\n")
    report = confined.ingest()
    [failure] = report.failures
    assert (failure.source, failure.error) == ("hard.md", "is hard-linked from outside the folder; copy it instead")
    assert "kingfisher" not in confined.everything()
    assert "stork" in confined.everything()


def test_a_hard_link_to_a_file_outside_is_never_opened(folder: Folder, outside: Path) -> None:
    """Opening would change the time of access, if the file system keeps it."""
    os.link(outside / "secret.md", folder.root / "hard.md")
    os.utime(outside / "secret.md", ns=(1, 1))
    before = (outside / "secret.md").stat().st_atime_ns
    with pytest.raises(DocumentError, match=r"^hard\.md: is hard-linked"):
        file_of(folder, "hard.md").read(ANY_SIZE)
    assert (outside / "secret.md").stat().st_atime_ns == before


def test_a_document_under_two_names_inside_is_two_documents(confined: ConfinedFolder) -> None:
    (confined.folder.root / "sub").mkdir()
    os.link(confined.folder.root / "good.md", confined.folder.root / "sub" / "twin.md")
    assert confined.ingest().ok
    assert set(confined.store.snapshot().documents()) == {"good.md", "sub/twin.md"}


def test_a_document_under_two_names_inside_and_one_outside_is_refused_under_both(folder: Folder, outside: Path) -> None:
    os.link(outside / "secret.md", folder.root / "one.md")
    os.link(outside / "secret.md", folder.root / "two.md")
    for source in ("one.md", "two.md"):
        with pytest.raises(DocumentError, match="is hard-linked"):
            file_of(folder, source).read(ANY_SIZE)


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


def test_pipes_sockets_and_devices_are_skipped(folder: Folder) -> None:
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
                pytest.skip("this process lacks the right to make devices, which root has")
        with pytest.raises(DocumentError, match=r"^good\.md: "):
            file.read(ANY_SIZE)


def run_to_its_end(program: str, root: Path) -> None:
    """Run a program on the folder `root`; one that waits for a pipe without a writer would never end."""
    subprocess.run([sys.executable, "-P", "-c", program, str(root)], timeout=60, capture_output=True, check=False)


def test_a_pipe_in_place_of_the_golden_questions_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.root / "golden.yaml")
    program = "import sys, pathlib, ingest.golden.questions as golden; golden.load_golden(pathlib.Path(sys.argv[1]))"
    run_to_its_end(program, folder.root)


def test_a_pipe_in_place_of_a_gitignore_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.root / ".gitignore")
    program = (
        "import sys, pathlib; from ingest.files.scan import scan; scan(pathlib.Path(sys.argv[1]), include=['*.md'])"
    )
    run_to_its_end(program, folder.root)


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
