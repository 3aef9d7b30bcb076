"""A git repository as a source: what is copied, what is refused, and what a failure or a kill leaves behind."""

import os
import subprocess
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.files.scan import scan_knowledge
from ingest.sources.copies import current_copy, last_update, remote_version
from rag.errors import IngestStopped, SourceError, StoreLocked
from rag.settings import KnowledgeSettings
from tests.kit.git_server import TOKEN, GitServer, Repository, git_server
from tests.kit.ingest_process import ForkedProcess
from tests.kit.waiting import eventually

TEXTS = {"docs/a.md": "# A\n\nApples.\n", "docs/sub/b.md": "# B\n\nBread.\n", "src/c.md": "# C\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repositories" / "handbook", TEXTS)


@pytest.fixture
def server(repository: Repository) -> Iterator[GitServer]:
    with git_server(repository.folder.root.parent) as running:
        yield running


def settings_of(place: Path, url: str, **others: object) -> KnowledgeSettings:
    path = place / "sources" / "default-1" / str(others.get("git_folder", ""))
    return KnowledgeSettings.model_validate({"git_url": url, "path": path, **others})


def update(settings: KnowledgeSettings) -> str:
    with current_copy(settings, "default") as version:
        return version


def refusal(settings: KnowledgeSettings) -> str:
    with pytest.raises(SourceError) as caught:
        update(settings)
    assert last_update(settings).error == str(caught.value)
    assert "The live generation stays as it is" in str(caught.value)
    return str(caught.value)


def sources(settings: KnowledgeSettings) -> list[str]:
    return [file.source for file in scan_knowledge(settings).files]


def test_a_folder_of_the_branch_is_copied_and_nothing_else(tmp_path: Path, repository: Repository) -> None:
    settings = settings_of(tmp_path, repository.url, git_folder="docs", git_branch="main")
    assert update(settings) == repository.head
    assert sources(settings) == ["a.md", "sub/b.md"]
    assert sorted(path.name for path in settings.path.parent.iterdir()) == [".git", "docs"]
    assert last_update(settings).version == repository.head
    assert not last_update(settings).error


def test_a_plain_folder_is_left_alone(tmp_path: Path) -> None:
    settings = KnowledgeSettings(path=tmp_path)
    assert update(settings) == ""
    assert list(tmp_path.iterdir()) == []


def test_only_what_a_new_commit_changes_is_written_again(tmp_path: Path, repository: Repository) -> None:
    settings = settings_of(tmp_path, repository.url)
    update(settings)
    before = {path: (settings.path / path).stat().st_mtime_ns for path in TEXTS}
    (repository.folder.root / "src/c.md").unlink()
    commit = repository.commit({"docs/a.md": "# A\n\nAnchors.\n", "docs/new.md": "# New\n"})
    assert remote_version(settings, "default") == commit
    assert last_update(settings).version != commit
    assert update(settings) == commit
    assert sources(settings) == ["docs/a.md", "docs/new.md", "docs/sub/b.md"]
    after = {path: (settings.path / path).stat().st_mtime_ns for path in before if path != "src/c.md"}
    assert {path for path, time in after.items() if time != before[path]} == {"docs/a.md"}


def test_another_folder_of_the_same_repository_takes_its_place(tmp_path: Path, repository: Repository) -> None:
    update(settings_of(tmp_path, repository.url, git_folder="docs"))
    settings = settings_of(tmp_path, repository.url, git_folder="src")
    update(settings)
    assert sources(settings) == ["c.md"]
    assert not (settings.path.parent / "docs").exists()


def test_files_are_what_was_committed_and_links_lead_nowhere_else(tmp_path: Path, repository: Repository) -> None:
    (tmp_path / "secret.md").write_text("# Secret\n")
    root = repository.folder.root
    (root / "docs/out.md").symlink_to(tmp_path / "secret.md")
    (root / "docs/in.md").symlink_to("a.md")
    repository.commit({".gitattributes": "*.md text eol=crlf filter=run ident\n", "docs/id.md": "# $Id$\n"})
    settings = settings_of(tmp_path, repository.url, git_folder="docs")
    update(settings)
    assert sources(settings) == ["a.md", "id.md", "in.md", "sub/b.md"]
    assert (settings.path / "id.md").read_bytes() == b"# $Id$\n"


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path, repository: Repository) -> None:
    (repository.folder.root / "elsewhere").symlink_to(tmp_path)
    repository.commit()
    settings = settings_of(tmp_path, repository.url, git_folder="elsewhere")
    assert "has no folder elsewhere; set git_folder" in refusal(settings)
    assert not os.path.lexists(settings.path)


def test_no_hook_of_the_copy_runs(tmp_path: Path, repository: Repository) -> None:
    settings = settings_of(tmp_path, repository.url)
    update(settings)
    for name in ("post-checkout", "reference-transaction", "post-merge"):
        hook = settings.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    repository.commit({"docs/a.md": "# A\n\nAnchors.\n"})
    update(settings)
    assert not (tmp_path / "ran").exists()


def test_history_is_fetched_if_it_is_asked_for(tmp_path: Path, repository: Repository) -> None:
    repository.commit({"docs/a.md": "# A\n\nAnchors.\n"})

    def commits(depth: int) -> str:
        settings = settings_of(tmp_path, repository.url, git_depth=depth)
        update(settings)
        count = ["git", "rev-list", "--count", "HEAD"]
        return subprocess.run(count, cwd=settings.path, check=True, capture_output=True, text=True).stdout.strip()

    assert [commits(1), commits(0), commits(1)] == ["1", "2", "1"]


def test_a_forced_push_replaces_the_copy(tmp_path: Path, repository: Repository, server: GitServer) -> None:
    settings = settings_of(tmp_path, f"{server.url}/handbook")
    update(settings)
    repository.git("rm", "--quiet", "-r", "docs/sub")
    commit = repository.commit({"docs/z.md": "# Z\n"}, amend=True)
    assert update(settings) == commit
    assert sources(settings) == ["docs/a.md", "docs/z.md", "src/c.md"]


def test_a_branch_that_is_deleted_leaves_the_copy(tmp_path: Path, repository: Repository, server: GitServer) -> None:
    settings = settings_of(tmp_path, f"{server.url}/handbook", git_branch="release")
    repository.git("branch", "release")
    update(settings)
    repository.git("branch", "-D", "release")
    assert "there is no branch release" in refusal(settings)
    assert sources(settings) == sorted(TEXTS)
    assert last_update(settings).version == repository.head
    repository.git("branch", "release")
    update(settings)
    assert not last_update(settings).error


def test_a_commit_that_lacks_its_files_leaves_the_copy(tmp_path: Path, repository: Repository) -> None:
    settings = settings_of(tmp_path, repository.url)
    update(settings)
    repository.commit({"docs/a.md": "# A\n\nAnchors.\n"})
    blob = repository.git("rev-parse", "HEAD:docs/a.md")
    (repository.folder.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    refusal(settings)
    assert (settings.path / "docs/a.md").read_text() == TEXTS["docs/a.md"]


def test_what_cannot_be_reached_is_named_with_the_way_out(tmp_path: Path, server: GitServer) -> None:
    assert "check git_url and the network" in refusal(settings_of(tmp_path, "http://127.0.0.1:1/handbook"))
    unknown = refusal(settings_of(tmp_path, f"{server.url}/nothing"))
    assert "not found; check git_url, and that ZHIWEN_KNOWLEDGE__GIT_TOKEN holds a token" in unknown
    key = SecretStr("-----BEGIN KEY-----\\nx")
    by_ssh = settings_of(tmp_path, "ssh://git@127.0.0.1:1/handbook.git", git_ssh_key=key)
    assert "Connection refused" in refusal(by_ssh)
    assert [path.name for path in (tmp_path / "sources").iterdir() if "key" in path.name] == []


def test_a_token_is_sent_to_its_server_only_and_shown_nowhere(tmp_path: Path, repository: Repository) -> None:
    with git_server(repository.folder.root.parent, token=TOKEN) as private:
        url = f"{private.url}/handbook"
        assert "ZHIWEN_KNOWLEDGE__GIT_TOKEN" in refusal(settings_of(tmp_path, url))
        wrong = settings_of(tmp_path, url, git_token="wrong-token")  # noqa: S106
        assert "wrong-token" not in refusal(wrong)
        settings = settings_of(tmp_path, url, git_token=TOKEN)
        assert update(settings) == repository.head
        kept = [path.read_bytes() for path in (tmp_path / "sources").rglob("*") if path.is_file()]
        assert not any(TOKEN.encode() in content for content in kept)


def test_what_a_killed_git_left_behind_is_removed(tmp_path: Path, repository: Repository) -> None:
    settings = settings_of(tmp_path, repository.url)
    update(settings)
    for name in ("index.lock", "shallow.lock", "refs/zhiwen/fetched.lock", "objects/pack/tmp_pack_1"):
        (settings.path / ".git" / name).touch()
    (settings.path / "docs/half.md").write_text("# Half a checkout\n")
    (settings.path / "docs/a.md").unlink()
    repository.commit({"docs/sub/b.md": "# B\n\nBricks.\n"})
    update(settings)
    assert sources(settings) == sorted(TEXTS)


def test_an_ingest_that_is_stopped_ends_its_fetch_at_once(tmp_path: Path, server: GitServer) -> None:
    server.hangs.set()

    def stop() -> None:
        if server.has_hung.is_set():
            raise IngestStopped("stop")

    settings = settings_of(tmp_path, f"{server.url}/handbook")
    with pytest.raises(IngestStopped), current_copy(settings, "default", stop):
        pass
    assert last_update(settings).version == ""


def test_a_kill_in_the_middle_of_a_fetch_leaves_the_copy(
    tmp_path: Path, repository: Repository, server: GitServer
) -> None:
    settings = settings_of(tmp_path, f"{server.url}/handbook")
    update(settings)
    commit = repository.commit({"docs/a.md": "# A\n\nAnchors.\n"})
    server.hangs.set()
    process = ForkedProcess(_update_in_child, settings)
    assert server.has_hung.wait(60)
    process.kill(with_group=False)
    assert process.join() == -9
    with pytest.raises(StoreLocked):  # its git is still at work
        update(settings)
    assert (settings.path / "docs/a.md").read_text() == TEXTS["docs/a.md"]
    server.hangs.clear()
    assert eventually(lambda: _updated(settings)) == commit
    assert (settings.path / "docs/a.md").read_text() == "# A\n\nAnchors.\n"


def _updated(settings: KnowledgeSettings) -> str:
    try:
        return update(settings)
    except StoreLocked:
        return ""


def _update_in_child(settings: KnowledgeSettings, connection: Connection) -> None:
    update(settings)


_SSH = """\
#!/bin/sh
printf '%s\\n' "$@" > {place}/arguments
while [ "$1" != -i ]; do shift; done
cp "$2" {place}/key
stat -c %a "$2" > {place}/mode
for command; do :; done
exec sh -c "$command"
"""


def test_an_ssh_key_is_in_a_private_file_as_long_as_ssh_runs(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(_SSH.format(place=tmp_path))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    url = f"ssh://git@git.example.com{repository.folder.root}"
    settings = settings_of(tmp_path, url, git_ssh_key="-----BEGIN KEY-----\\nabc\\n-----END KEY-----")
    assert update(settings) == repository.head
    assert (tmp_path / "key").read_text() == "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    assert (tmp_path / "mode").read_text() == "600\n"
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new", "git@git.example.com"} <= set(arguments)
    assert not Path(arguments[arguments.index("-i") + 1]).exists()
