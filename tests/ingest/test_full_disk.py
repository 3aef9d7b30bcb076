"""An ingest on a full disk fails and keeps the old version."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.corpus import Folder
from tests.kit.full_disk import FullDisk
from tests.kit.paths import ROOT
from tests.kit.shelf import ingest_good_documents


def can_mount() -> bool:
    """Whether a small file system can be mounted here for one process only."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(command, capture_output=True, check=False).returncode


def on_full_disk(tmp_path: Path, how: str, *prefix: str) -> FullDisk:
    ingest_good_documents(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    for number in range(8):
        Folder(tmp_path / "docs").write(f"more{number}.md", f"# More\n\nThe crane number{number} flies south.\n" * 20)
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.kit.full_disk", str(tmp_path), str(disk), how],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return FullDisk(**json.loads(done.stdout.splitlines()[-1]))


def assert_full_disk_was_survived(happened: FullDisk) -> None:
    """Either the ingest reported an error and changed nothing, or it did everything."""
    if happened.full:
        assert "\n" not in happened.full
        assert happened.old_after_full
        assert not happened.new_after_full
    else:
        assert happened.new_after_full
    assert happened.again == ""
    assert happened.old_after_again
    assert happened.new_after_again


def test_a_database_that_may_not_grow_fails_the_ingest_and_keeps_the_old_version(
    tmp_path: Path,
) -> None:
    """RLIMIT_FSIZE, at the size of the database."""
    happened = on_full_disk(tmp_path, "limit 0")
    assert happened.full
    assert_full_disk_was_survived(happened)


def test_a_full_disk_fails_the_ingest_and_keeps_the_old_version(tmp_path: Path) -> None:
    """With 24 KB left, which is more than the journal of the database needs."""
    if not can_mount():
        pytest.skip("a small file system cannot be mounted here: that takes unshare, of Linux, and the right to mount")
    mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=96m tmpfs "$1"; shift; exec "$@"', "sh"]
    happened = on_full_disk(tmp_path, "fill 24576", *mounted, str(tmp_path / "disk"))
    assert "its disk is full" in happened.full
    assert_full_disk_was_survived(happened)
