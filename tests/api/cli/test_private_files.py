"""Other users of the machine read nothing that a command writes: neither the index nor what was made from it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.process_table import children
from tests.kit.processes import Workspace

DOCUMENT = "# Vault\n\nThe code of the vault is 4711.\n"
QUESTIONS = "questions:\n  - question: What is the code of the vault?\n    expect: ['4711']\n"


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path).given(ZHIWEN_STORE__URI=str(tmp_path / "new" / ".zhiwen" / "m.db"))
    workspace.write("vault.md", DOCUMENT)
    workspace.write("golden.yaml", QUESTIONS)
    return workspace


def readable_by_others(folder: Path) -> set[str]:
    """What others may read, write or enter below a folder, but for sockets and the documents themselves."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if "knowledge" not in path.parts and path.stat().st_mode & 0o077
    }


def test_only_their_owner_reads_the_files_that_commands_write_whatever_the_umask(
    workspace: Workspace, umask: None
) -> None:
    for command in (
        ("ingest",),
        ("ask", "What is the code of the vault?"),
        ("eval", "--junit", "junit.xml"),
        ("eval", "--draft", "1", "draft.yaml"),
        ("export", "backup.parquet"),
        ("keys", "new", "reader", "--file", "keys.txt"),
    ):
        assert workspace.run(*command).status == 0, command
    written = {path.name for path in workspace.folder.rglob("*")}
    assert {"m.db", "evaluations", "junit.xml", "draft.yaml", "backup.parquet", "keys.txt"} <= written
    assert readable_by_others(workspace.folder) == set()


def test_what_an_earlier_version_left_open_is_closed_at_the_next_use(workspace: Workspace) -> None:
    assert workspace.run("ingest").status == 0
    folder = workspace.folder / "new" / ".zhiwen"
    for path in (folder, folder / "m.db"):
        path.chmod(path.stat().st_mode | 0o055)
    assert workspace.run("ask", "What is the code of the vault?").status == 0
    assert readable_by_others(folder.parent) == set()


def test_a_folder_that_was_there_keeps_its_mode(workspace: Workspace, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(0o755)
    assert workspace.given(ZHIWEN_STORE__URI=str(shared / "m.db")).run("ingest").status == 0
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    assert readable_by_others(shared) == set()


def test_the_processes_of_a_server_have_none_of_its_secrets(workspace: Workspace) -> None:
    secret = "sk-a-secret-of-the-server"  # noqa: S105  # pragma: allowlist secret
    with workspace.given(DASHSCOPE_API_KEY=secret, AWS_SECRET_ACCESS_KEY=secret).serving() as server:
        server.ingest()
        assert server.children
        for pid in children(server.process.pid):
            assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
