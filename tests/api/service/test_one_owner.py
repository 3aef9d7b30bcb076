"""One process owns a database: servers, commands and ingests that come second, and owners that die or hang."""

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.service.owner import INSTANCE_HEADER, INSTANCE_PATH
from tests.kit.lighthouse_guides import GUIDES, QUESTION, owner_record_of, remove_guides, write_guides
from tests.kit.openai_scripts import embed_texts
from tests.kit.openai_server import Call, OpenAIServer, openai_server
from tests.kit.process_table import pause, resume
from tests.kit.processes import ZHIWEN, Outcome, Server, Workspace, assert_json_error, assert_one_line
from tests.kit.waiting import eventually


@pytest.fixture(scope="module")
def server(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that change nothing."""
    workspace = ingested.copy_to(tmp_path_factory.mktemp("serving"))
    with workspace.serving() as running:
        yield running
    assert not owner_record_of(workspace).exists(), "the record goes with the server"


def test_a_server_records_where_it_is(server: Server) -> None:
    owner = json.loads(owner_record_of(server.workspace).read_text())
    assert (owner["url"], owner["pid"]) == (server.url, server.process.pid)
    assert server.client.get(INSTANCE_PATH).headers[INSTANCE_HEADER] == owner["instance"]


def test_a_second_server_on_the_same_database_is_refused_by_name(server: Server) -> None:
    workspace = server.workspace
    outcome = workspace.run("serve", "--port", "0")
    assert outcome.out == ""
    assert_one_line(outcome, 1, str(workspace.database), server.url, str(server.process.pid))
    assert server.client.get("/health").json()["status"] == "ok"
    assert owner_record_of(workspace).exists()


def test_another_folder_is_not_ingested_through_a_server(server: Server, tmp_path: Path) -> None:
    workspace, other = server.workspace, tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# Other\n\nThe kingfisher is here.\n")
    commands = (["ingest", str(other)], ["ingest", str(other), "--dry-run"], ["ingest", "knowledge/../knowledge"])
    with ThreadPoolExecutor(3) as pool:
        *refused, same = pool.map(lambda arguments: workspace.run(*arguments), commands)
    for outcome in refused:
        assert outcome.out == ""
        assert_one_line(outcome, 2, str(other), str(workspace.knowledge), "nothing was changed")
    assert same.status == 0, same
    assert server.client.get("/status").json()["generation"] == 1


def test_a_proxy_in_the_environment_is_not_asked_for_the_owner(server: Server) -> None:
    unreachable = "http://127.0.0.1:9"
    behind = server.workspace.given(HTTP_PROXY=unreachable, http_proxy=unreachable, ALL_PROXY=unreachable)
    assert behind.run("status", "--json").json["generation"] == 1


# One ingest at a time


@pytest.fixture
def embedder() -> Iterator[OpenAIServer]:
    """An endpoint that keeps every ingest waiting for its vectors until it may `proceed`."""

    def hold(call: Call) -> None:
        call.server.proceed.wait()
        embed_texts(call)

    with openai_server(hold) as running:
        yield running


@pytest.fixture
def held_workspace(embedder: OpenAIServer, tmp_path: Path) -> Workspace:
    """The guides, not ingested, and the settings for `embedder`."""
    workspace = Workspace(tmp_path).given(
        ZHIWEN_EMBEDDING__PROVIDER="openai",
        ZHIWEN_EMBEDDING__BASE_URL=embedder.base_url,
        ZHIWEN_EMBEDDING__MODEL="held",
        ZHIWEN_EMBEDDING__TIMEOUT_SECONDS="200",
    )
    write_guides(workspace)
    return workspace


def test_through_a_server_one_ingest_at_a_time_is_taken_and_the_others_are_refused_by_name(
    embedder: OpenAIServer, held_workspace: Workspace
) -> None:
    with held_workspace.serving() as server, ThreadPoolExecutor(3) as pool:
        first = pool.submit(held_workspace.run, "ingest", "--json")
        eventually(lambda: embedder.calls, message="the first ingest waits for its vectors")
        others = [pool.submit(held_workspace.run, command) for command in ("ingest", "rollback")]
        message = assert_json_error(server.client.post("/ingest"), 409, "store_locked")
        second, rollback = (other.result() for other in others)
        assert server.ingest_state()["running"]
        embedder.proceed.set()
        done = first.result()
        again = held_workspace.run("ingest", "--json")
    assert "running already" in message
    assert_one_line(second, 1, "running already")
    assert_one_line(rollback, 1, "running already")
    assert second.out == ""
    assert done.status == 0, done
    assert done.json["documents"]["added"] == len(GUIDES)
    assert again.json["embedded"] == 0


def test_without_a_server_a_second_writer_is_refused_by_name(embedder: OpenAIServer, held_workspace: Workspace) -> None:
    process = subprocess.Popen(
        [ZHIWEN, "ingest", "--json"],
        cwd=held_workspace.folder,
        env=held_workspace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        eventually(lambda: embedder.calls, message="the first ingest waits for its vectors")
        second = held_workspace.run("ingest")
        assert process.poll() is None
    finally:
        embedder.proceed.set()
        out, err = process.communicate(timeout=120)
    assert second.out == ""
    assert_one_line(second, 1, str(held_workspace.database), str(process.pid))
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["documents"]["added"] == len(GUIDES)


def test_the_outcome_of_an_ingest_is_told_to_whoever_started_it_even_if_another_begins_at_once(
    workspace: Workspace,
) -> None:
    """A client that is refused tries again, and begins as soon as the first ingest has ended."""
    remove_guides(workspace)
    ended = threading.Event()

    def begin_again_and_again(server: Server) -> None:
        while not ended.wait(0.02):  # in which the command may be faster
            server.client.post("/ingest", json={"allow_mass_deletion": False})

    def ingest_outcome() -> Outcome | None:
        outcome = workspace.run("ingest")
        return None if "running already" in outcome.err else outcome

    with workspace.serving() as server:
        thread = threading.Thread(target=begin_again_and_again, args=(server,))
        thread.start()
        try:
            outcomes = [eventually(ingest_outcome, within_seconds=200) for _ in range(3)]
        finally:
            ended.set()
            thread.join()
        server.wait_for_ingest()
    for outcome in outcomes:
        assert outcome
        assert_one_line(outcome, 2, "holds no documents")


# Servers that die, hang, or lose their store


def test_the_record_of_a_killed_server_is_removed_and_in_nobodys_way(workspace: Workspace) -> None:
    Server.start(workspace).kill()
    assert owner_record_of(workspace).exists()
    outcome = workspace.run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert outcome.err == ""
    assert "417" in outcome.out
    assert not owner_record_of(workspace).exists()


@pytest.fixture
def hanging(workspace: Workspace) -> Iterator[Server]:
    server = Server.start(workspace)
    pause(server.process.pid)
    yield server
    resume(server.process.pid)
    server.kill()


def test_a_server_that_hangs_is_one_clear_line(hanging: Server, workspace: Workspace) -> None:
    for outcome in (workspace.run("status"), workspace.run("serve")):
        assert outcome.out == ""
        assert_one_line(outcome, 1, str(workspace.database), hanging.url, str(hanging.process.pid), "does not answer")
    assert owner_record_of(workspace).exists()


def test_a_server_that_lost_its_store_is_not_said_to_be_silent(workspace: Workspace) -> None:
    """The server answers, and its answer is the error that people need."""
    server = Server.start(workspace)
    try:
        server.kill_store()
        outcome = workspace.run("status")
        assert outcome.status == 1
        assert len(outcome.error_lines) == 1, outcome.err
        assert "does not answer" not in outcome.err
    finally:
        server.kill()
