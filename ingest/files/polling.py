"""Changes in a folder, noticed by looking at it again and again.

It works on every file system, and passes over what cannot be read, where the poller of watchfiles gives up.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LONGEST_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
_PAUSE_TO_LOOK = 10  # at most a tenth of the time is spent looking


def poll_for_changes(folder: Path, stop: threading.Event) -> Iterator[bool]:
    """Yield at each look whether something has changed, until `stop` is set; at the first look, nothing has.

    What changes together is told once, when a look finds nothing new, or after LONGEST_WAIT_SECONDS. Hidden files and
    folders do not count. Raises OSError if the folder is gone.
    """
    before, pause = _look(folder), _PAUSE_SECONDS
    changing_since: float | None = None
    yield False
    while not stop.wait(pause):
        started = time.monotonic()
        now = _look(folder)
        pause = max(_PAUSE_SECONDS, _PAUSE_TO_LOOK * (time.monotonic() - started))
        has_changed, before = now != before, now
        if has_changed and changing_since is None:
            changing_since = started
        if changing_since is None:
            yield False
        elif not has_changed or started - changing_since > LONGEST_WAIT_SECONDS:
            changing_since = None
            yield True


def _look(root: Path) -> dict[str, tuple[int, ...]]:
    """Return what there is, by path, as far as it can be read. Raises OSError if the root cannot."""
    found: dict[str, tuple[int, ...]] = {}
    folders = [str(root)]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            if folder == str(root):
                raise
            continue
        for entry in entries:
            if entry.name.startswith(".") and entry.name != ".gitignore":
                continue
            try:
                status = entry.stat(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if is_folder:
                folders.append(entry.path)
                found[entry.path] = (status.st_mode,)
            else:
                found[entry.path] = (status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns)
    return found
