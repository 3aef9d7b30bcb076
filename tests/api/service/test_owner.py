"""The record in which a server says that it owns an embedded database, and how commands find the owner by it."""

import itertools
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api.service.owner import INSTANCE_HEADER, Owner, find_owner, owner_record
from rag.errors import StoreLocked
from rag.settings import Settings, StoreSettings
from rag.store.store import Store
from tests.kit.threaded_server import http_served


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
    """Keep a record locked by a living process."""
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
    """Run a server whose every answer names this instance; yields its address."""

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

    with http_served(Handler) as url:
        yield url


def test_without_a_record_nobody_owns_the_database(settings: Settings) -> None:
    assert find_owner(settings) is None


def test_a_database_on_a_server_has_no_record_and_no_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(store=StoreSettings(uri="http://127.0.0.1:19530"))
    with owner_record(settings, SOMEBODY):
        assert find_owner(settings) is None
        assert list(tmp_path.iterdir()) == []


def test_a_record_says_where_the_owner_is_and_is_removed_when_it_ends(settings: Settings, record: Path) -> None:
    with owner_record(settings, Owner("http://127.0.0.1:1", 77, "abc", "secret")):
        said = {"url": "http://127.0.0.1:1", "pid": 77, "instance": "abc", "token": "secret"}
        assert json.loads(record.read_text()) == said
        assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert not record.exists()


def test_a_record_that_others_could_read_is_closed_before_anything_is_in_it(settings: Settings, record: Path) -> None:
    record.touch(mode=0o644)
    with owner_record(settings, SOMEBODY):
        assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_record_is_removed_even_if_the_owner_fails(settings: Settings, record: Path) -> None:
    with pytest.raises(RuntimeError), owner_record(settings, SOMEBODY):
        raise RuntimeError
    assert not record.exists()


def test_an_owner_that_answers_is_found(settings: Settings, record: Path) -> None:
    with answering("mine") as url, held(record, as_json(url, "mine")):
        assert find_owner(settings) == Owner(url, 4242, "mine")
        assert find_owner(settings) == Owner(url, 4242, "mine")
    assert find_owner(settings) is None


@pytest.mark.parametrize("content", [as_json("http://127.0.0.1:1"), "", "{", "[]", '{"url": 1}'], ids=ascii)
def test_a_record_that_is_not_locked_belongs_to_a_dead_owner_and_is_removed(
    settings: Settings, record: Path, content: str
) -> None:
    record.write_text(content)
    assert find_owner(settings) is None
    assert not record.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"url": "http://x", "pid": 1}', '{"other": 1}'], ids=ascii)
def test_a_record_that_is_locked_and_not_complete_belongs_to_a_server_that_is_starting(
    settings: Settings, record: Path, content: str
) -> None:
    with held(record, content):
        with pytest.raises(StoreLocked, match="just starting; try again"):
            find_owner(settings)
        assert record.exists()


def test_an_owner_whose_port_is_closed_is_named(settings: Settings, record: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with held(record, as_json(url)), pytest.raises(StoreLocked) as caught:
        find_owner(settings)
    assert url in str(caught.value)
    assert "4242" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert record.exists() or find_owner(settings) is None


def test_an_owner_that_takes_the_connection_and_says_nothing_is_given_up(settings: Settings, record: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with held(record, as_json(url)), pytest.raises(StoreLocked, match="does not answer"):
            find_owner(settings)


@pytest.mark.parametrize("instance", ["theirs", "", None])
def test_another_server_on_the_same_port_is_not_taken_for_the_owner(
    settings: Settings, record: Path, instance: str | None
) -> None:
    with answering(instance) as url, held(record, as_json(url, "mine")), pytest.raises(StoreLocked):
        find_owner(settings)


def test_looking_for_the_owner_while_it_starts_and_stops_never_leaves_it_without_its_record(
    settings: Settings, record: Path, tmp_path: Path
) -> None:
    """A record that has been made and is not yet locked must not be taken for that of a dead owner."""
    looks = tmp_path / "looks"
    looks.touch()
    program = f"""
from pathlib import Path
from api.service.owner import find_owner
from rag.errors import StoreLocked
from rag.settings import Settings, StoreSettings
from rag.store.store import Store
settings = Settings(store=StoreSettings(uri={settings.store.uri!r}))
with open({str(looks)!r}, "ab", buffering=0) as looks:
    while True:
        try:
            find_owner(settings)
        except StoreLocked:
            pass
        looks.write(b".")
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    store = Store.open(settings.store)  # a server has the database open before it says so
    lost = 0
    try:
        with answering("mine") as url:
            for number in itertools.count():
                before = looks.stat().st_size
                if before >= 60_000:
                    break
                assert process.poll() is None
                with owner_record(settings, Owner(url, os.getpid(), "mine")):
                    lost += not record.exists()
                    while number % 100 == 0 and looks.stat().st_size == before:
                        lost += not record.exists()  # until it has been looked for while it is there
    finally:
        process.kill()
        process.wait()
        store.close()
    assert lost == 0
