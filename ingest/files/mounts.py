"""Which folders are on a file system that tells nobody about changes made on another machine."""

import os
import re
from pathlib import Path, PurePosixPath

_MOUNTS = Path("/proc/mounts")
_WITHOUT_EVENTS = re.compile(
    r"nfs4?|cifs|smb\w*|9p|fuse(blk|\..+)?|vboxsf|vmhgfs|prl_fs|virtiofs|fakeowner|afs|ceph|lustre|glusterfs|ncpfs|drvfs"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def lacks_events(folder: Path) -> bool:
    """Return whether changes in a folder, or in what is mounted below it, can only be seen by looking.

    That is so for network and shared folders. Where the system does not tell what is mounted, it is taken to be False.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return lacks_events_by_mounts(PurePosixPath(os.path.realpath(folder)), mounts)


def lacks_events_by_mounts(folder: PurePosixPath, mounts: str) -> bool:
    """Return it for a path without links, by the text of /proc/mounts."""
    types: dict[PurePosixPath, str] = {}  # of two mounts in one place the last one is seen
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            types[PurePosixPath(_ESCAPE.sub(lambda code: chr(int(code[1], 8)), fields[1]))] = fields[2]
    above = [place for place in types if folder.is_relative_to(place)]
    nearest = max(above, key=lambda place: len(place.parts), default=None)
    relevant = [place for place in types if place == nearest or place.is_relative_to(folder)]
    return any(_WITHOUT_EVENTS.fullmatch(types[place]) for place in relevant)
