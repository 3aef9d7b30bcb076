"""Who owns an embedded database: the record of a server, the commands that go through it, the remains of dead ones."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.service.owner import INSTANCE_HEADER, INSTANCE_PATH, Owner, find_owner, owner_record
from rag.errors import StoreLocked
from rag.settings import Settings, StoreSettings
from rag.store.store import Store
from tests.kit.processes import ZHIWEN, Outcome, Server, Workspace, assert_json_error, assert_one_line

PROMPTLY = 20
"""Seconds: a few times what it takes, for a busy machine, and far less than any deadline behind it."""

GUIDES = {
    "lamp.md": "# Lamp\n\nThe lamp of Vardø was lit by 417 mirrors of tin.\n",
    "lens.md": "# Lens\n\nPolish the lens every forty days with chalk.\n",
    "horn.md": "# Horn\n\nThe foghorn is heard for nine miles.\n",
    "tide.md": "# Tide\n\n| Port | Height |\n|---|---|\n| Vardø | three metres |\n| Bodø | two metres |\n",
    "keeper.md": "# Keeper\n\nThe keeper winds the clock on Sundays.\n",
    "灯塔.md": "# 灯塔\n\n灯塔每隔二十秒闪一次光。\n",
}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six short guides, ingested."""
    workspace = Workspace(tmp_path_factory.mktemp("owner"))
    for source, text in GUIDES.items():
        workspace.write(source, text)
    outcome = workspace.run("ingest")
    assert outcome.status == 0, outcome
    return workspace


@pytest.fixture
def place(ingested: Workspace, tmp_path: Path) -> Workspace:
    return ingested.copy_to(tmp_path)


def record_of(workspace: Workspace) -> Path:
    return Path(f"{workspace.database}.owner")


# The record


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=StoreSettings(uri=str(tmp_path / "m.db")))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "m.db.owner"


SOMEBODY = Owner("http://127.0.0.1:1", 1, "x")
HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(sys.argv[2])
file.flush()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(record: Path, content: str) -> Iterator[None]:
    """The record as a living process holds it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(record), content], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.communicate("")


def as_json(url: str, instance: str = "x", pid: int = 4242) -> str:
    return json.dumps({"url": url, "pid": pid, "instance": instance})


@contextmanager
def answering(instance: str | None) -> Iterator[str]:
    """A server whose every answer names this instance; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if instance is not None:
                self.send_header(INSTANCE_HEADER, instance)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named so by the library)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_without_a_record_nobody_owns_the_database(settings: Settings) -> None:
    assert find_owner(settings) is None


def test_a_database_on_a_server_has_no_record_and_no_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(store=StoreSettings(uri="http://127.0.0.1:19530"))
    with owner_record(settings, SOMEBODY):
        assert find_owner(settings) is None
        assert list(tmp_path.iterdir()) == []


def test_a_record_says_where_the_owner_is_and_goes_when_it_goes(settings: Settings, record: Path) -> None:
    with owner_record(settings, Owner("http://127.0.0.1:1", 77, "abc", "secret")):
        said = {"url": "http://127.0.0.1:1", "pid": 77, "instance": "abc", "token": "secret"}
        assert json.loads(record.read_text()) == said
        assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert not record.exists()


def test_a_record_that_others_could_read_is_closed_before_anything_is_in_it(settings: Settings, record: Path) -> None:
    record.touch(mode=0o644)
    with owner_record(settings, SOMEBODY):
        assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_record_goes_also_when_the_owner_fails(settings: Settings, record: Path) -> None:
    with pytest.raises(RuntimeError), owner_record(settings, SOMEBODY):
        raise RuntimeError
    assert not record.exists()


def test_an_owner_that_answers_is_found(settings: Settings, record: Path) -> None:
    with answering("mine") as url, held(record, as_json(url, "mine")):
        assert find_owner(settings) == Owner(url, 4242, "mine")
        assert find_owner(settings) == Owner(url, 4242, "mine")
    assert find_owner(settings) is None


@pytest.mark.parametrize("content", [as_json("http://127.0.0.1:1"), "", "{", "[]", '{"url": 1}'], ids=ascii)
def test_a_record_that_nobody_holds_is_of_a_dead_owner_and_removed(
    settings: Settings, record: Path, content: str
) -> None:
    record.write_text(content)
    assert find_owner(settings) is None
    assert not record.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"url": "http://x", "pid": 1}', '{"other": 1}'], ids=ascii)
def test_a_record_that_is_held_and_not_complete_is_of_a_server_that_is_starting(
    settings: Settings, record: Path, content: str
) -> None:
    with held(record, content):
        with pytest.raises(StoreLocked, match="just starting; try again"):
            find_owner(settings)
        assert record.exists()


def test_an_owner_whose_port_is_closed_is_named_at_once(settings: Settings, record: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    started = time.monotonic()
    with held(record, as_json(url)), pytest.raises(StoreLocked) as caught:
        find_owner(settings)
    assert time.monotonic() - started < PROMPTLY
    assert url in str(caught.value)
    assert "4242" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert record.exists() or find_owner(settings) is None


def test_an_owner_that_takes_the_connection_and_says_nothing_is_given_up_within_seconds(
    settings: Settings, record: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with held(record, as_json(url)), pytest.raises(StoreLocked, match="does not answer"):
            find_owner(settings)
        assert time.monotonic() - started < PROMPTLY


@pytest.mark.parametrize("instance", ["theirs", "", None])
def test_another_server_on_the_same_port_is_not_taken_for_the_owner(
    settings: Settings, record: Path, instance: str | None
) -> None:
    with answering(instance) as url, held(record, as_json(url, "mine")), pytest.raises(StoreLocked):
        find_owner(settings)


def test_looking_for_the_owner_while_it_starts_and_stops_never_leaves_it_without_its_record(
    settings: Settings, record: Path
) -> None:
    """Who looks between the making of the record and its lock must not take it for that of a dead owner."""
    looks = f"""
import sys
from api.service.owner import find_owner
from rag.errors import StoreLocked
from rag.settings import Settings, StoreSettings
from rag.store.store import Store
settings = Settings(store=StoreSettings(uri={settings.store.uri!r}))
print("looking", flush=True)
while True:
    try:
        find_owner(settings)
    except StoreLocked:
        pass
"""
    process = subprocess.Popen([sys.executable, "-c", looks], stdout=subprocess.PIPE, text=True)
    store = Store.open(settings.store)  # a server has the database open before it says so
    lost = 0
    try:
        assert process.stdout
        assert process.stdout.readline() == "looking\n"
        with answering("mine") as url:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                with owner_record(settings, Owner(url, os.getpid(), "mine")):
                    time.sleep(0.002)
                    lost += not record.exists()
    finally:
        process.kill()
        process.communicate()
        store.close()
    assert lost == 0


# The commands, with a server and without


@dataclass(frozen=True, slots=True)
class Step:
    """A command, after a change to the folder."""

    arguments: Sequence[str]
    change: Callable[[Workspace], object] = lambda place: None


def break_a_file(place: Workspace) -> None:
    place.write("horn.md", b"# Horn\n\n\xff\xfe is no text\n")
    place.write("bell.md", "# Bell\n\nThe bell weighs 60 kilos.\n")


def empty_the_folder(place: Workspace) -> None:
    for source in ("lamp.md", "lens.md", "tide.md"):
        (place.knowledge / source).unlink()


QUESTION = "How many mirrors of tin lit the lamp of Vardø?"
STEPS: dict[str, Step] = {
    "status": Step(["status"]),
    "status as JSON": Step(["status", "--json"]),
    "an answer": Step(["ask", QUESTION]),
    "an answer as JSON": Step(["ask", "灯塔多久闪一次光？", "--json"]),
    "hits": Step(["search", QUESTION, "--top-k", "3"]),
    "a dry run": Step(["ingest", "--dry-run"], break_a_file),
    "an ingest with a broken file": Step(["ingest"]),
    "the same as JSON": Step(["ingest", "--json"]),
    "a mass deletion": Step(["ingest", "--json"], empty_the_folder),
    "a rollback": Step(["rollback"]),
}


def play(place: Workspace) -> list[Outcome]:
    outcomes = []
    for step in STEPS.values():
        step.change(place)
        outcomes.append(place.run(*step.arguments))
    return outcomes


@dataclass(frozen=True, slots=True)
class Both:
    """How each step ended: done by the command itself, and through a server."""

    alone: dict[str, Outcome]
    through_server: dict[str, Outcome]
    log: str


@pytest.fixture(scope="module")
def both(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The same steps in two folders that are alike."""
    alone = ingested.copy_to(tmp_path_factory.mktemp("alone"))
    served = ingested.copy_to(tmp_path_factory.mktemp("served"))
    with served.serving() as server, ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(play, alone), pool.submit(play, served)
        return Both(
            alone=dict(zip(STEPS, first.result(), strict=True)),
            through_server=dict(zip(STEPS, second.result(), strict=True)),
            log=server.log,
        )


def told(outcome: Outcome) -> tuple[int, str, str]:
    """Status and output without what differs from run to run."""

    def plain(text: str) -> str:
        text = re.sub(r"/[^\s\"]*/(alone|served)\d+", "PLACE", text)
        text = re.sub(r'"trace_id":"[^"]*"', '"trace_id":""', text)
        text = re.sub(r'"seconds":[\d.]+', '"seconds":0', text)
        text = re.sub(r"\d+\.\d s\b", "0.0 s", text)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", "TIME", text)

    return outcome.status, plain(outcome.out), plain(outcome.err)


@pytest.mark.parametrize("step", STEPS)
def test_a_command_tells_the_same_through_a_server_as_without_one(both: Both, step: str) -> None:
    assert told(both.through_server[step]) == told(both.alone[step])


def test_the_steps_that_are_compared_are_what_they_are_called(both: Both) -> None:
    """Or equal outputs would prove little."""
    outcomes = both.through_server
    assert "Generation: 1\n" in outcomes["status"].out
    assert outcomes["status as JSON"].json["generation"] == 1
    assert "417 mirrors" in outcomes["an answer"].out
    assert "二十秒" in outcomes["an answer as JSON"].json["answer"]
    assert len(outcomes["hits"].out.splitlines()) == 6
    assert "lamp.md:3" in outcomes["hits"].out
    assert outcomes["a dry run"].out.splitlines()[1:] == ["  + bell.md", "  ~ horn.md"]
    broken = outcomes["an ingest with a broken file"]
    assert broken.status == 1
    assert re.match(
        r"Documents: 1 added, 1 changed, 0 removed, 5 unchanged\nGeneration 2: 1 chunks added, ", broken.out
    )
    assert re.search(r"^  horn\.md: line 3 is not UTF-8", broken.out, re.MULTILINE)
    assert outcomes["the same as JSON"].status == 1
    assert outcomes["the same as JSON"].json["failures"][0]["source"] == "horn.md"
    assert_one_line(outcomes["a mass deletion"], 1, "3 of 7 documents are gone", "--allow-mass-deletion")
    assert outcomes["a mass deletion"].json["error"]["code"] == "knowledge_error"
    assert "Rolled back from generation 2 to 1" in outcomes["a rollback"].out


def test_a_server_that_served_all_commands_has_nothing_to_complain_of_but_what_they_were_told(both: Both) -> None:
    assert "Traceback" not in both.log


# One server


MANY = 110  # short documents, which take some seconds to embed


def write_many(place: Workspace) -> None:
    for number in range(MANY):
        place.write(f"many/{number}.md", f"# Many\n\nThe gull number {number} sits on rock {number * 7} by the sea.\n")


@pytest.fixture(scope="module")
def server(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that change nothing."""
    place = ingested.copy_to(tmp_path_factory.mktemp("serving"))
    with place.serving() as running:
        yield running
    assert not record_of(place).exists(), "the record goes with the server"


def test_a_server_records_where_it_is(server: Server) -> None:
    owner = json.loads(record_of(server.workspace).read_text())
    assert (owner["url"], owner["pid"]) == (server.url, server.process.pid)
    assert server.client.get(INSTANCE_PATH).headers[INSTANCE_HEADER] == owner["instance"]


def test_a_second_server_on_the_same_database_is_refused_by_name_at_once(server: Server) -> None:
    place = server.workspace
    outcome = place.run("serve", "--port", "0")
    assert outcome.out == ""
    assert_one_line(outcome, 1, str(place.database), server.url, str(server.process.pid))
    assert outcome.seconds < PROMPTLY
    assert server.client.get("/health").json()["status"] == "ok"
    assert record_of(place).exists()


def test_another_folder_is_not_ingested_through_a_server(server: Server, tmp_path: Path) -> None:
    place, other = server.workspace, tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# Other\n\nThe kingfisher is here.\n")
    commands = (["ingest", str(other)], ["ingest", str(other), "--dry-run"], ["ingest", "knowledge/../knowledge"])
    with ThreadPoolExecutor(3) as pool:
        *refused, same = pool.map(lambda arguments: place.run(*arguments), commands)
    for outcome in refused:
        assert outcome.out == ""
        assert_one_line(outcome, 1, str(other), str(place.knowledge), "nothing was changed")
    assert same.status == 0, same
    assert server.client.get("/status").json()["generation"] == 1


def test_a_proxy_in_the_environment_is_not_asked_for_the_owner(server: Server) -> None:
    unreachable = "http://127.0.0.1:9"
    behind = server.workspace.given(HTTP_PROXY=unreachable, http_proxy=unreachable, ALL_PROXY=unreachable)
    assert behind.run("status", "--json").json["generation"] == 1


@pytest.fixture
def busy(place: Workspace) -> Iterator[Server]:
    """For a test that ingests."""
    with place.serving() as running:
        yield running


def test_through_a_server_one_ingest_at_a_time_is_taken_and_the_others_are_refused_by_name(
    busy: Server, place: Workspace
) -> None:
    server = busy
    write_many(place)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(place.run, "ingest", "--json")
        deadline = time.monotonic() + 60
        while not server.client.get("/ingest").json()["running"] and time.monotonic() < deadline:
            time.sleep(0.02)
        others = [pool.submit(place.run, "ingest"), pool.submit(place.run, "rollback")]
        refused = assert_json_error(server.client.post("/ingest"), 409, "store_locked")
        second, rollback = (other.result() for other in others)
        assert server.client.get("/ingest").json()["running"], "too quick to tell"
        done = first.result()
    assert "running already" in refused
    assert_one_line(second, 1, "running already")
    assert_one_line(rollback, 1, "running already")
    assert second.out == ""
    assert done.status == 0, done
    assert done.json["documents"]["added"] == MANY
    assert place.run("ingest", "--json").json["embedded"] == 0


def test_the_outcome_of_an_ingest_is_told_to_who_started_it_even_if_another_begins_at_once(
    busy: Server, place: Workspace
) -> None:
    """Whoever is refused waits its turn and begins as soon as the first one ends."""
    empty_the_folder(place)
    ended = threading.Event()

    def begin_again_and_again() -> None:
        while not ended.is_set():
            busy.client.post("/ingest", json={"allow_mass_deletion": False})
            time.sleep(0.02)  # in which the command may be faster

    thread = threading.Thread(target=begin_again_and_again)
    thread.start()
    try:
        outcomes = []
        deadline = time.monotonic() + 120
        while len(outcomes) < 3 and time.monotonic() < deadline:
            outcome = place.run("ingest")
            if "running already" not in outcome.err:
                outcomes.append(outcome)
    finally:
        ended.set()
        thread.join()
    for outcome in outcomes:
        assert_one_line(outcome, 1, "3 of 6 documents are gone")


# Servers that die, hang, or lose their store


def test_the_record_of_a_killed_server_is_noticed_removed_and_in_nobody_s_way(place: Workspace) -> None:
    Server.start(place).kill()
    assert record_of(place).exists()
    outcome = place.run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert outcome.err == ""
    assert "417" in outcome.out
    assert not record_of(place).exists()


@pytest.fixture
def hanging(place: Workspace) -> Iterator[Server]:
    server = Server.start(place)
    server.signal(signal.SIGSTOP)
    yield server
    server.signal(signal.SIGCONT)
    server.kill()


def test_a_server_that_hangs_is_one_clear_line_within_seconds(hanging: Server, place: Workspace) -> None:
    for outcome in (place.run("status"), place.run("serve")):
        assert outcome.seconds < PROMPTLY
        assert outcome.out == ""
        assert_one_line(outcome, 1, str(place.database), hanging.url, str(hanging.process.pid), "does not answer")
    assert record_of(place).exists()


def test_a_server_that_lost_its_store_is_not_said_to_be_silent(place: Workspace) -> None:
    """It answers; what it says is what a person needs to know."""
    server = Server.start(place)
    try:
        server.kill_store()
        outcome = place.run("status")
        assert outcome.status == 1
        assert len(outcome.error_lines) == 1, outcome.err
        assert "does not answer" not in outcome.err
    finally:
        server.kill()


# Without a server


def test_without_a_server_a_second_writer_is_refused_by_name(place: Workspace) -> None:
    write_many(place)
    process = subprocess.Popen(
        [ZHIWEN, "ingest", "--json"],
        cwd=place.folder,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        lock = Path(f"{place.database}.lock")
        while not (lock.exists() and lock.read_text() == str(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        second = place.run("ingest")
        assert process.poll() is None, "too quick to tell"
    finally:
        out, err = process.communicate(timeout=120)
    assert second.out == ""
    assert_one_line(second, 1, str(place.database), str(process.pid))
    assert second.seconds < PROMPTLY
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["documents"]["added"] == MANY
