"""zhiwen runs as in a container: with a read-only root, without capabilities, and without a home folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ZHIWEN = Path(sys.executable).with_name("zhiwen")
CONFINED = """
set -eu
mount --make-rprivate /
mount --bind "$WRITABLE" "$WRITABLE"
mount -o remount,bind,ro /
cd "$WRITABLE/data"
if touch /written 2>/dev/null; then echo "the root is writable" >&2; exit 99; fi
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


def test_it_ingests_and_answers_if_only_its_data_folder_and_a_temporary_folder_are_writable(tmp_path: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed; it is a command of Linux")
    allowed = subprocess.run(
        ["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True, text=True, check=False
    )
    if allowed.returncode:
        pytest.skip(f"this machine does not allow private mounts: {allowed.stderr.strip()}")
    for name in ("data", "tmp", "knowledge"):
        (tmp_path / name).mkdir()
    (tmp_path / "knowledge" / "port.md").write_text("# 港口\n\n灯塔的守夜人叫林海。\n", "utf-8")
    (tmp_path / "knowledge").chmod(0o555)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", CONFINED, "sh", ZHIWEN, "ask", "--json", "灯塔的守夜人叫什么？"],
        env=inherited
        | {
            "WRITABLE": str(tmp_path),
            "TMPDIR": str(tmp_path / "tmp"),
            "HOME": "/nonexistent",
            "ZHIWEN_KNOWLEDGE__PATH": str(tmp_path / "knowledge"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "林海" in json.loads(done.stdout)["answer"]
    assert (tmp_path / "data" / ".zhiwen" / "milvus.db").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
