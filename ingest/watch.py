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
_RETRY_SECONDS = 2.0


def watch_folder(root: Path, run: Callable[[], None], stop: threading.Event) -> None:
    """Call `run` once now and again after each burst of changes below `root`, until `stop` is set.

    `run` reports its own failures. A root that disappears is waited for.
    """
    run()
    while not stop.is_set():
        try:
            for _ in watch(
                root,
                watch_filter=lambda change, path: not _is_hidden(Path(path), root),
                step=QUIET_MILLISECONDS,
                debounce=LONGEST_WAIT_MILLISECONDS,
                stop_event=stop,
                raise_interrupt=False,
            ):
                run()
        except (FileNotFoundError, OSError) as error:
            log.warning("watching %s: %s; trying again", root, error)
            stop.wait(_RETRY_SECONDS)


def _is_hidden(path: Path, root: Path) -> bool:
    try:
        parts = path.relative_to(root.resolve()).parts
    except ValueError:
        parts = path.parts[-1:]
    return any(part.startswith(".") for part in parts)
