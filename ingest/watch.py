"""Re-ingest when the folder changes: one run for everything that changes together."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

log = logging.getLogger("zhiwen.watch")

# Editors save in several steps and a checkout touches many files: a run begins when nothing has changed for a while.
QUIET_MILLISECONDS = 500
LONGEST_WAIT_MILLISECONDS = 10_000
_LOOK_MILLISECONDS = 500
_RETRY_SECONDS = 2.0


def watch_folder(root: Path, run: Callable[[], None], stop: threading.Event) -> None:
    """Call `run` once now and again after each burst of changes below `root`, until `stop` is set.

    `run` reports its own failures. A root that disappears is waited for, and one that took its place is watched.
    """
    problem = ""
    while not stop.is_set():
        try:
            _watch_while_it_stands(root, run, stop)
            problem = ""
        except OSError as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("watching %s: %s; trying again", root, error)
                run()
            stop.wait(_RETRY_SECONDS)


def _watch_while_it_stands(root: Path, run: Callable[[], None], stop: threading.Event) -> None:
    """Until another folder stands in its place. Raises OSError if it cannot be watched, or is gone."""
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
        # The first run too comes after watching has begun: what changes during it is not missed.
        if changes or not has_run:
            has_run = True
            run()
        # A folder that is renamed goes on being watched, under its new name.
        if _identity(root) != identity:
            return


def _identity(root: Path) -> tuple[int, int]:
    status = root.stat()
    return status.st_dev, status.st_ino


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
