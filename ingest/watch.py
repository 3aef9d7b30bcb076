"""Re-ingest when the folder changes, once for everything that changes together."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from watchfiles import watch

from ingest.files.mounts import lacks_events
from ingest.files.polling import poll_for_changes

log = logging.getLogger("zhiwen.watch")

# Editors save in several steps and a checkout touches many files, so a run begins when nothing has changed for a while.
QUIET_MILLISECONDS = 500
LONGEST_WAIT_MILLISECONDS = 10_000
_LOOK_MILLISECONDS = 500
_RETRY_SECONDS = 2.0

Poll = Literal["auto", "always", "never"]
"""Whether to look at the folder again and again instead of waiting for events: "auto" if there are none."""


def watch_folder(
    root: Path,
    run: Callable[[], None],
    stop: threading.Event,
    *,
    poll: Poll = "auto",
    on_quiet: Callable[[], object] = lambda: None,
) -> None:
    """Call `run` once now and again after each burst of changes below `root`, until `stop` is set.

    `run` reports its own failures. If the root disappears, it is waited for, and a folder that takes its place is
    watched. `on_quiet` is called about every second in which nothing changed and no run is due.
    """
    problem = ""
    while not stop.is_set():
        try:
            _watch_one_folder(root, run, stop, poll, on_quiet)
            problem = ""
        except OSError as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("watching %s: %s; trying again", root, error)
                run()
            stop.wait(_RETRY_SECONDS)


def _watch_one_folder(
    root: Path, run: Callable[[], None], stop: threading.Event, poll: Poll, on_quiet: Callable[[], object]
) -> None:
    """Watch until another folder has taken the root's place. Raises OSError if it cannot be watched, or is gone."""
    folder, identity = root.resolve(), _identity(root)
    has_run = False
    for has_changed in _looks(folder, stop, poll):
        # The first run comes after watching has begun as well, so that no change during it is missed.
        if has_changed or not has_run:
            has_run = True
            run()
        else:
            on_quiet()
        # A folder that was renamed would be watched further, under its new name.
        if _identity(root) != identity:
            return


def _looks(folder: Path, stop: threading.Event, poll: Poll) -> Iterator[bool]:
    """Yield now and then whether something has changed, until `stop` is set."""
    if poll == "never" or (poll == "auto" and not lacks_events(folder)):
        try:
            yield from _events(folder, stop)
        except OSError as error:
            # A subfolder that cannot be read, or the limit of the system on what can be watched.
            if poll == "never" or not folder.is_dir():
                raise
            log.info("watching %s: %s; looking at it every second instead", folder, error)
        else:
            return
    yield from poll_for_changes(folder, stop)


def _events(folder: Path, stop: threading.Event) -> Iterator[bool]:
    for changes in watch(
        folder,
        watch_filter=lambda change, path: not _is_hidden(Path(path).relative_to(folder)),
        step=QUIET_MILLISECONDS,
        debounce=LONGEST_WAIT_MILLISECONDS,
        rust_timeout=_LOOK_MILLISECONDS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
    ):
        yield bool(changes)


def _identity(root: Path) -> tuple[int, int]:
    status = root.stat()
    return status.st_dev, status.st_ino


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
