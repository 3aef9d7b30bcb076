"""A running server follows its file of keys, and no state of the file opens it or locks everybody out."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from pydantic import SecretStr

from api.guard.key_file import line_of
from api.guard.key_reload import ReloadingKeys
from api.guard.keys import new_key
from rag.settings import ServeSettings
from tests.kit.processes import FirstAsk, Server

WITHIN_SECONDS = 2.0
STEADY, PASSING, FOREIGN = new_key(), new_key(), new_key()
GIVEN = new_key()
STEADY_LINE = line_of("steady", ["ask"], STEADY) + "\n"
PASSING_LINE = line_of("passing", ["ask"], PASSING) + "\n"
PROBLEMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "emptied": (lambda file: file.write_text(""), "holds no keys"),
    "gone": (lambda file: file.unlink(), "cannot be read"),
    "a folder": (lambda file: (file.unlink(), file.mkdir()), "cannot be read"),
    "a pipe": (lambda file: (file.unlink(), os.mkfifo(file)), "is a pipe"),
    "no text": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "cannot be read"),
    "half written": (lambda file: file.write_text(STEADY_LINE + PASSING_LINE[:30]), "keys.txt:2"),
    "a key itself": (lambda file: file.write_text(f"steady:ask:{STEADY}\n"), "holds a key itself"),
    "a name of the environment": (
        lambda file: file.write_text(line_of("given", ["admin"], FOREIGN) + "\n"),
        "two API keys are called given",
    ),
}


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
def file(following: Server) -> Iterator[Path]:
    """The file of keys, with that of `steady` before and after, and known to the server as such."""
    path = following.workspace.folder / "keys.txt"
    yield path
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_text(STEADY_LINE)
    assert seconds_until(lambda: status(following, PASSING) == 401) < WITHIN_SECONDS


def status(server: Server, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return server.client.get("/status", headers=headers).status_code


def seconds_until(holds: Callable[[], bool], *, at_most: float = 10.0) -> float:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < at_most
        time.sleep(0.02)
    return time.monotonic() - started


def test_a_key_that_is_added_opens_and_one_that_is_removed_does_not_while_no_request_is_lost(
    following: Server, file: Path
) -> None:
    over, statuses = Event(), list[int]()

    def keep_asking() -> None:
        while not over.is_set():
            statuses.append(status(following, STEADY))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(keep_asking)
        try:
            made = following.workspace.given(ZHIWEN_SERVE__KEYS_FILE=str(file)).run("keys", "new", "newcomer")
            assert "restart" not in made.err
            newcomer = made.out.strip()
            added = seconds_until(lambda: status(following, newcomer) == 200)
            file.write_text(STEADY_LINE)
            removed = seconds_until(lambda: status(following, newcomer) == 401)
        finally:
            over.set()
        asking.result()
    assert max(added, removed) < WITHIN_SECONDS
    assert set(statuses) == {200}
    assert len(statuses) > 20
    assert made.out.strip() not in following.log


def test_a_file_put_in_the_place_of_the_old_one_is_followed(following: Server, file: Path) -> None:
    """As many editors save, and as Kubernetes changes a mounted secret."""
    beside = file.with_suffix(".new")
    beside.write_text(PASSING_LINE)
    beside.replace(file)
    assert seconds_until(lambda: status(following, PASSING) == 200) < WITHIN_SECONDS
    assert status(following, STEADY) == 401
    assert status(following, GIVEN) == 200


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_file_that_is_no_good_changes_nothing_but_the_log(following: Server, file: Path, problem: str) -> None:
    spoil, complaint = PROBLEMS[problem]
    logged = len(following.log)
    spoil(file)

    def warnings() -> list[str]:
        return [line for line in following.log[logged:].splitlines() if '"level": "warning"' in line]

    until = time.monotonic() + 2.1  # long enough for the server to look twice
    while time.monotonic() < until:
        assert status(following, STEADY) == 200
        assert status(following, GIVEN) == 200
        assert status(following, FOREIGN) == 401
        assert status(following, "") == 401
        time.sleep(0.1)
    [warning] = warnings()
    assert "keys.txt" in warning
    assert complaint in warning
    assert "the keys read before still count" in warning
    assert not any(key in following.log for key in (STEADY, GIVEN, FOREIGN))

    if file.is_dir():
        file.rmdir()
    file.unlink(missing_ok=True)
    file.write_text(STEADY_LINE + PASSING_LINE)
    assert seconds_until(lambda: status(following, PASSING) == 200) < WITHIN_SECONDS


def test_a_server_that_started_without_keys_stays_open(first_ask: FirstAsk, tmp_path: Path) -> None:
    with first_ask.workspace.copy_to(tmp_path).serving() as server:
        assert server.workspace.run("keys", "new", "late", "--file", "keys.txt").status == 0
        time.sleep(1.2)
        assert status(server, "") == 200
        assert status(server, FOREIGN) == 200


def test_an_edit_that_leaves_size_and_time_as_they_were_counts(tmp_path: Path) -> None:
    now = 100.0
    file = tmp_path / "keys.txt"
    file.write_text(STEADY_LINE)
    before = file.stat()
    keys = ReloadingKeys(ServeSettings(keys_file=str(file)), owner_token="t" * 43, clock=lambda: now)
    file.write_text(line_of("steady", ["ask"], PASSING) + "\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    now += 0.9
    assert keys.find(STEADY)  # looked at once a second and no more
    now += 0.2
    assert keys.find(STEADY) is None
    assert keys.find(PASSING)
    assert keys.find("t" * 43), "the command line keeps its own"


def test_keys_of_the_environment_alone_need_no_file() -> None:
    keys = ReloadingKeys(
        ServeSettings(keys=SecretStr(f"given:ask:{GIVEN}")), owner_token="t" * 43, clock=time.monotonic
    )
    assert keys.find(GIVEN)
    assert not keys.is_open
