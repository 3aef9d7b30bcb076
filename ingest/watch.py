"""Re-ingest when the folder changes, once for everything that changes together."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

log = logging.getLogger("zhiwen.watch")

# Editors save in several steps and a checkout touches many files, so a run begins when nothing has changed for a while.
QUIET_MILLISECONDS = 500
LONGEST_WAIT_MILLISECONDS = 10_000
_LOOK_MILLISECONDS = 500
_RETRY_SECONDS = 2.0


def watch_folder(
    root: Path,
    run: Callable[[], None],
    stop: threading.Event,
    *,
    on_quiet: Callable[[], object] = lambda: None,
) -> None:
    """Call `run` once now and again after each burst of changes below `root`, until `stop` is set.

    `run` reports its own failures. If the root disappears, it is waited for, and a folder that takes its place is
    watched. `on_quiet` is called about every half second in which nothing changed and no run is due.
    """
    problem = ""
    while not stop.is_set():
        try:
            _watch_one_folder(root, run, stop, on_quiet)
            problem = ""
        except OSError as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("watching %s: %s; trying again", root, error)
                run()
            stop.wait(_RETRY_SECONDS)


def _watch_one_folder(
    root: Path, run: Callable[[], None], stop: threading.Event, on_quiet: Callable[[], object]
) -> None:
    """Watch until another folder has taken the root's place. Raises OSError if it cannot be watched, or is gone."""
    folder, identity = root.resolve(), _identity(root)
    has_run = False
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
        # The first run comes after watching has begun as well, so that no change during it is missed.
        if changes or not has_run:
            has_run = True
            run()
        else:
            on_quiet()
        # A folder that was renamed would be watched further, under its new name.
        if _identity(root) != identity:
            return


def _identity(root: Path) -> tuple[int, int]:
    status = root.stat()
    return status.st_dev, status.st_ino


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
