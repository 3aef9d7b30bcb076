"""Which mounts make a folder one that must be looked at."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from ingest.files.mounts import lacks_events, lacks_events_by_mounts

MOUNTS = r"""sysfs /sys sysfs rw 0 0
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /mnt/team nfs4 rw,vers=4.2 0 0
//server/share /mnt/my\040share cifs rw 0 0
user@host:/srv /home/u/remote fuse.sshfs rw 0 0
C:\134 /mnt/c 9p rw 0 0
docs /media/sf_docs vboxsf rw 0 0
/dev/sdb1 /mnt/team/local xfs rw 0 0
/dev/sdc1 /data btrfs rw 0 0
server:/x /data/a/nfs nfs rw 0 0
server:/y /over nfs rw 0 0
tmpfs /over tmpfs rw 0 0
overlay /overlay overlay rw 0 0
fusectl /sys/fs/fuse/connections fusectl rw 0 0
"""


@pytest.mark.parametrize(
    "folder",
    [
        "/mnt/team",
        "/mnt/team/docs",
        "/mnt/my share/docs",
        "/home/u",
        "/home/u/remote",
        "/mnt/c/docs",
        "/media/sf_docs",
        "/data",
        "/data/a/nfs/x",
    ],
)
def test_network_and_shared_folders_tell_nothing(folder: str) -> None:
    assert lacks_events_by_mounts(PurePosixPath(folder), MOUNTS)


@pytest.mark.parametrize(
    "folder",
    [
        "/home/u/docs",
        "/mnt/team/local",
        "/mnt/teamwork",
        "/data/b",
        "/over/docs",
        "/overlay",
        "/sys/fs/fuse",
    ],
)
def test_local_folders_tell_of_changes(folder: str) -> None:
    assert not lacks_events_by_mounts(PurePosixPath(folder), MOUNTS)


@pytest.mark.parametrize("mounts", ["", "\n", "nonsense\n", "a b"])
def test_without_known_mounts_events_are_expected(mounts: str) -> None:
    assert not lacks_events_by_mounts(PurePosixPath("/docs"), mounts)


def test_a_folder_on_a_local_disk_of_this_machine_needs_no_polling(tmp_path: Path) -> None:
    found = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("stat does not name the file system of temporary files; that of GNU, on Linux, does")
    kind = found.stdout.strip()
    if kind not in ("ext2/ext3", "overlayfs", "tmpfs", "xfs", "btrfs"):
        pytest.skip(f"temporary files are on {kind}, which this test does not know as a local disk")
    assert not lacks_events(tmp_path)
