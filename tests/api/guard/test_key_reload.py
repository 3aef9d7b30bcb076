"""A running server follows its key file, and no state of the file opens it or locks everybody out."""

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from pydantic import SecretStr

from api.guard.key_file import line_of
from api.guard.key_reload import ReloadingKeys
from api.guard.keys import new_key
from rag.serve_settings import ServeSettings
from tests.kit.processes import FirstAsk, Server
from tests.kit.waiting import eventually

STEADY, PASSING, FOREIGN = new_key(), new_key(), new_key()
GIVEN, OWNER_TOKEN = new_key(), "t" * 43
STEADY_LINE = line_of("steady", ["ask"], STEADY) + "\n"
PASSING_LINE = line_of("passing", ["ask"], PASSING) + "\n"
PROBLEMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "emptied": (lambda file: file.write_text(""), "is missing or has no keys"),
    "gone": (lambda file: file.unlink(), "is missing or has no keys"),
    "a folder": (lambda file: (file.unlink(), file.mkdir()), "cannot be read"),
    "a pipe": (lambda file: (file.unlink(), os.mkfifo(file)), "is a pipe"),
    "no text": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "cannot be read"),
    "half written": (lambda file: file.write_text(STEADY_LINE + PASSING_LINE[:30]), "keys.txt:2"),
    "a key itself": (lambda file: file.write_text(f"steady:ask:{STEADY}\n"), "holds a key instead of its hash"),
    "a name of the environment": (
        lambda file: file.write_text(line_of("given", ["admin"], FOREIGN) + "\n"),
        "two API keys are named given",
    ),
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text(STEADY_LINE)
    return path


def loaded(file: Path, clock: Clock) -> ReloadingKeys:
    settings = ServeSettings(keys_file=str(file), keys=SecretStr(f"given:ask:{GIVEN}"))
    return ReloadingKeys(settings, owner_token=OWNER_TOKEN, clock=clock)


def test_the_file_is_checked_once_a_second_by_its_text(file: Path) -> None:
    clock = Clock()
    keys = loaded(file, clock)
    before = file.stat()
    file.write_text(line_of("steady", ["ask"], PASSING) + "\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    clock.now += 0.9
    assert keys.find(STEADY)
    clock.now += 0.2
    assert keys.find(STEADY) is None
    assert keys.find(PASSING)
    assert keys.find(OWNER_TOKEN), "the command line keeps its own"


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_broken_file_changes_nothing_and_is_logged_once(
    file: Path, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    keys = loaded(file, clock)
    spoil, complaint = PROBLEMS[problem]
    spoil(file)
    with caplog.at_level(logging.INFO, logger="zhiwen.keys"):
        for _ in range(3):
            clock.now += 1.5
            assert keys.find(STEADY)
            assert keys.find(GIVEN)
            assert keys.find(FOREIGN) is None
            assert not keys.is_open
        [warning] = caplog.messages
        assert "keys.txt" in warning
        assert complaint in warning
        assert "keeping the previous keys" in warning
        assert not any(key in warning for key in (STEADY, GIVEN, FOREIGN))

        if file.is_dir():
            file.rmdir()
        file.unlink(missing_ok=True)
        file.write_text(STEADY_LINE + PASSING_LINE)
        clock.now += 1.5
        assert keys.find(PASSING)
        assert "reloaded" in caplog.messages[-1]


def test_a_service_that_started_without_keys_stays_open() -> None:
    clock = Clock()
    keys = ReloadingKeys(ServeSettings(), owner_token=OWNER_TOKEN, clock=clock)
    clock.now += 10
    assert keys.find(FOREIGN) is None
    assert keys.is_open


def test_a_service_that_waits_for_its_first_key_is_closed_and_says_how_to_make_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(), tmp_path / "keys.txt"
    keys = ReloadingKeys(ServeSettings(host="0.0.0.0", keys_file=str(file)), owner_token=OWNER_TOKEN, clock=clock)
    assert f"zhiwen keys new NAME --file {file}" in caplog.text
    clock.now += 1.5
    assert keys.awaits_first
    assert not keys.is_open
    assert keys.find(STEADY) is None
    assert keys.find(OWNER_TOKEN), "the command line works already"
    assert len(caplog.messages) == 1
    file.write_text(STEADY_LINE)
    clock.now += 1.5
    assert not keys.awaits_first
    assert keys.find(STEADY)
    file.unlink()
    clock.now += 1.5
    assert keys.find(STEADY), "a file that is gone locks nobody out"
    assert not keys.awaits_first


def test_a_mounted_secret_of_kubernetes_is_followed(tmp_path: Path) -> None:
    """The kubelet writes a new folder and swaps the link `..data` to it; the file itself is a link that stays."""

    def publish(name: str, content: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys.txt").write_text(content)
        (tmp_path / "..data_tmp").symlink_to(name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    publish("..2026_11_28_10_00_00.1", STEADY_LINE)
    (tmp_path / "keys.txt").symlink_to("..data/keys.txt")
    clock = Clock()
    keys = loaded(tmp_path / "keys.txt", clock)
    assert keys.find(STEADY)
    publish("..2026_11_28_10_01_00.2", PASSING_LINE)
    clock.now += 1.5
    assert keys.find(PASSING)
    assert keys.find(STEADY) is None


def test_keys_of_the_environment_alone_need_no_file() -> None:
    settings = ServeSettings(keys=SecretStr(f"given:ask:{GIVEN}"))
    keys = ReloadingKeys(settings, owner_token=OWNER_TOKEN, clock=Clock())
    assert keys.find(GIVEN)
    assert not keys.is_open


# A running server


@pytest.fixture(scope="module")
def following(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("following"))
    (workspace.folder / "keys.txt").write_text(STEADY_LINE)
    settings = {
        "ZHIWEN_SERVE__KEYS_FILE": "keys.txt",
        "ZHIWEN_SERVE__KEYS": f"given:ask:{GIVEN}",
        "ZHIWEN_SERVE__REQUESTS_PER_MINUTE": "0",
    }
    with workspace.given(**settings).serving() as server:
        yield server


@pytest.fixture
def followed(following: Server) -> Iterator[Path]:
    """The key file of the running server, with the key of `steady` alone before and after, and known as such."""
    path = following.workspace.folder / "keys.txt"
    yield path
    path.write_text(STEADY_LINE)
    eventually(lambda: status(following, PASSING) == 401)


def status(server: Server, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return server.client.get("/status", headers=headers).status_code


def test_a_key_that_is_added_opens_and_one_that_is_removed_does_not_while_no_request_is_lost(
    following: Server, followed: Path
) -> None:
    over, statuses = Event(), list[int]()

    def keep_asking() -> None:
        while not over.is_set():
            statuses.append(status(following, STEADY))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(keep_asking)
        try:
            made = following.workspace.given(ZHIWEN_SERVE__KEYS_FILE=str(followed)).run("keys", "new", "newcomer")
            assert "restart" not in made.err
            newcomer = made.out.strip()
            eventually(lambda: status(following, newcomer) == 200)
            followed.write_text(STEADY_LINE)
            eventually(lambda: status(following, newcomer) == 401)
        finally:
            over.set()
        asking.result()
    assert set(statuses) == {200}
    assert newcomer not in following.log


def test_a_file_put_in_the_place_of_the_old_one_is_followed(following: Server, followed: Path) -> None:
    """As many editors save, and as Kubernetes changes a mounted secret."""
    beside = followed.with_suffix(".new")
    beside.write_text(PASSING_LINE)
    beside.replace(followed)
    eventually(lambda: status(following, PASSING) == 200)
    assert status(following, STEADY) == 401
    assert status(following, GIVEN) == 200


def test_a_running_server_keeps_its_keys_while_the_file_is_broken(following: Server, followed: Path) -> None:
    followed.write_text("")

    def is_logged() -> bool:
        assert [status(following, key) for key in (STEADY, GIVEN, FOREIGN, "")] == [200, 200, 401, 401]
        return "cannot be loaded; keeping the previous keys" in following.log

    eventually(is_logged)
    assert is_logged()
    assert not any(key in following.log for key in (STEADY, GIVEN, FOREIGN))


def test_a_server_without_a_key_starts_is_not_ready_and_takes_the_first_one(
    first_ask: FirstAsk, tmp_path: Path
) -> None:
    workspace = first_ask.workspace.copy_to(tmp_path).given(ZHIWEN_SERVE__KEYS_FILE="keys.txt")
    with workspace.serving() as server:
        refused = server.client.get("/status", headers={"Authorization": f"Bearer {STEADY}"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "key_missing")
        assert "no API keys yet" in refused.json()["error"]["message"]
        ready = server.client.get("/health/ready")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert {"part": "keys", "ok": False, "code": "key_missing"} in ready.json()["parts"]
        assert "zhiwen keys new NAME --file keys.txt" in server.log
        assert workspace.run("status").status == 0, "the command line of the same user needs no key"

        made = workspace.run("keys", "new", "first").out.strip()
        eventually(lambda: status(server, made) == 200)
        assert server.client.get("/health/ready").status_code == 200
