"""The SQLite file: private, and replaced or repaired while somebody uses it."""

import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rag.errors import FeedbackError, StateUnavailable
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog
from tests.kit.paths import ROOT
from tests.kit.traces import rating
from tests.kit.waiting import eventually

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "what%3f #1.db"


@pytest.fixture
def log(file: Path, tmp_path: Path) -> FeedbackLog:
    return FeedbackLog(StateDatabase(f"sqlite:///{file}"), tmp_path / "feedback.jsonl")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o277])
def test_only_the_owner_can_read_the_file_and_its_companions_whatever_the_umask(
    log: FeedbackLog, file: Path, mask: int
) -> None:
    file.parent.mkdir()
    with umask(mask):
        log.append(rating("one"))
        with closing(sqlite3.connect(file)) as reader:
            reader.execute("SELECT * FROM feedback").fetchone()  # keeps the companions
            log.append(rating("two"))
            modes = {path.name.removeprefix(file.name): stat.S_IMODE(path.stat().st_mode) for path in own_files(file)}
    assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600}


def own_files(file: Path) -> list[Path]:
    return list(file.parent.iterdir())


def test_a_file_that_others_could_read_is_closed_to_them(log: FeedbackLog, file: Path) -> None:
    log.append(rating("one"))
    file.chmod(0o644)
    log.append(rating("two"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_reading_creates_no_file(log: FeedbackLog, file: Path) -> None:
    assert log.read() == []
    assert not file.parent.exists()


def test_a_file_that_is_removed_is_made_again(log: FeedbackLog, file: Path) -> None:
    log.append(rating("one"))
    file.unlink()
    assert log.read() == []
    log.append(rating("two"))
    assert log.read() == [rating("two")]


def test_the_remains_of_a_killed_writer_do_not_get_into_a_new_file(log: FeedbackLog, file: Path) -> None:
    log.append(rating("one"))
    program = "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM feedback'); c.commit()"
    killed = subprocess.run([sys.executable, "-c", f"{program}; os.kill(os.getpid(), 9)", file], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert file.with_name(f"{file.name}-wal").stat().st_size
    file.unlink()
    log.append(rating("two"))
    assert log.read() == [rating("two")]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_file_that_is_no_database_is_an_error_until_it_is_gone(log: FeedbackLog, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(FeedbackError, match=r"not a database"):
        log.append(rating("one"))
    file.unlink()
    eventually(lambda: succeeds(log))
    assert log.read() == [rating("one")]


def test_a_full_disk_is_an_error_until_there_is_room(log: FeedbackLog) -> None:
    log.append(rating("one"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(FeedbackError, match=r"state\.url"):
            log.append(rating("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    eventually(lambda: succeeds(log))
    assert rating("one") in log.read()


def test_a_file_that_becomes_read_only_is_an_error_until_it_can_be_written(log: FeedbackLog, file: Path) -> None:
    log.append(rating("zero"))
    # Root may write everything, unless it gives up its capabilities.
    confined = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "tests.kit.state_process", "deny", f"sqlite:///{file}"]
    done = subprocess.run([*confined, *command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "state.url" in done.stdout
    assert {one.trace_id for one in log.read()} == {rating(name).trace_id for name in ("zero", "before", "after")}


def succeeds(log: FeedbackLog) -> bool:
    try:
        log.append(rating("one"))
    except FeedbackError:
        return False
    return True


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = StateDatabase(f"sqlite:///{tmp_path / 'file' / 'state.db'}")
    with pytest.raises(StateUnavailable, match=r"file/state\.db cannot be used \(state\.url\)"), database.writing():
        raise AssertionError("it was opened")
