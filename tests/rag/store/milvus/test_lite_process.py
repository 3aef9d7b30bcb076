"""Milvus Lite as a process: it has a folder of its own, ends with ours, and searches that fail are repeated."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.errors import StoreError, StoreLocked
from rag.store import rows
from rag.store.milvus.client import Milvus
from rag.store.milvus.lite_process import LiteProcess
from tests.kit.waiting import eventually


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the processes have theirs in."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def open_and_close(path: Path) -> list[str]:
    milvus = Milvus(str(path))
    try:
        milvus.create("some", rows.STATE_COLLECTION)
        return milvus.collections()
    finally:
        milvus.close()


def test_many_that_start_at_the_same_time_do_not_disturb_each_other(tmp_path: Path, folders: Path) -> None:
    files = [tmp_path / f"m{number}.db" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(open_and_close, files)) == [["some"]] * 12
    assert list(folders.iterdir()) == []


def test_without_a_home_it_starts_and_the_environment_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    before = dict(os.environ)
    assert open_and_close(tmp_path / "m.db") == ["some"]
    assert dict(os.environ) == before


def test_a_program_that_uses_the_starter_of_milvus_lite_keeps_us_out(tmp_path: Path) -> None:
    script = (
        "import fcntl, sys\nlock = open(sys.argv[1], 'w')\nfcntl.lockf(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / ".m.db.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreLocked, match=r"m\.db is in use by another program"):
            Milvus(str(tmp_path / "m.db")).connect()
        process.communicate("")
    assert open_and_close(tmp_path / "m.db") == ["some"]


def test_it_ends_when_our_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import signal, sys\nfrom pathlib import Path\nfrom rag.store.milvus.lite_process import LiteProcess\n"
        "lite = LiteProcess(Path(sys.argv[1]))\nprint(lite.address, flush=True)\nsignal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "m.db")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert address.startswith("unix:")
        process.send_signal(signal.SIGKILL)
    assert children
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), message="Milvus Lite to end")


def test_one_that_cannot_start_says_so_and_leaves_nothing_behind(tmp_path: Path, folders: Path) -> None:
    (tmp_path / "m.db").mkdir()
    with pytest.raises((OSError, StoreError)):
        Milvus(str(tmp_path / "m.db")).connect()
    assert list(folders.iterdir()) == []
    lite = LiteProcess(tmp_path / "n.db")
    assert len(list(folders.iterdir())) == 1
    lite.stop()
    assert list(folders.iterdir()) == []


class FailingMilvus(Milvus):
    """The next `failures` searches fail as those of milvus-lite 2.5.1 do during a deletion."""

    failures = 0
    problem = 'Assert "element.val >= 0" => Invalid sparse row: negative value at Utils.h:274 : segcore error'

    def _search_once(
        self, name: str, query: NDArray[np.float32] | str, options: Mapping[str, Any]
    ) -> list[tuple[str, float]]:
        self.failures -= 1
        if self.failures >= 0:
            raise StoreError(f"{self.uri}: {self.problem}")
        return super()._search_once(name, query, options)


def test_a_search_that_fails_during_a_deletion_is_repeated_but_not_for_ever(tmp_path: Path) -> None:
    milvus = FailingMilvus(str(tmp_path / "m.db"))
    try:
        milvus.create("some", rows.STATE_COLLECTION)
        milvus.upsert("some", [rows.to_state_row("key", {})])

        def search() -> list[tuple[str, float]]:
            return milvus.search("some", np.ones(2, np.float32), expression='key != ""', limit=1)

        milvus.failures = 3
        assert [key for key, _ in search()] == ["key"]
        milvus.failures = 100
        with pytest.raises(StoreError, match="negative value"):
            search()
        milvus.failures, milvus.problem = 1, "something else"
        with pytest.raises(StoreError, match="something else"):
            search()
    finally:
        milvus.close()
