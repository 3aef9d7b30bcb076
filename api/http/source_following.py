"""While a server runs, it follows the repositories that documents come from."""

import threading
from collections.abc import Callable

from api.http.pushes import Pushes
from ingest.background import IngestRunner
from ingest.sources.copies import last_update, remote_version
from rag.errors import IngestStopped, KnowledgeError, SourceError, ZhiwenError
from rag.settings import KnowledgeSettings

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 300.0


def follow_source(
    settings: KnowledgeSettings,
    name: str,
    runner: IngestRunner,
    ingest: Callable[[], None],
    pushes: Pushes,
    stop: threading.Event,
) -> None:
    """Ingest now, and whenever there is something new: looked for on an interval, and after each push.

    `ingest` runs one by `runner`, to its end. What failed is tried again, at growing intervals. Returns after `stop` is
    set, and a push is noted.
    """
    ingested, failures = "", 0
    while not stop.is_set():
        # A look costs little; an ingest of nothing new reads the whole folder.
        if _version(settings, name, stop) != ingested or not ingested:
            ingest()
            has_failed = _may_mend(runner.state.error)
            ingested = "" if has_failed else last_update(settings).version
            failures = failures + 1 if has_failed else 0
        pushes.wait(name, _pause(settings.fetch_every_seconds, failures))


def _may_mend(error: ZhiwenError | None) -> bool:
    """Return whether an ingest that failed may succeed later; documents that it refuses must change first."""
    return error is not None and not isinstance(error, KnowledgeError)


def _version(settings: KnowledgeSettings, name: str, stop: threading.Event) -> str | None:
    """Return the version there now; None if it cannot be told, which the ingest then reports."""

    def check_stopping() -> None:
        if stop.is_set():
            raise IngestStopped("the server is shutting down")

    try:
        return remote_version(settings, name, check_stopping)
    except (SourceError, IngestStopped):
        return None


def _pause(every_seconds: float, failures: int) -> float | None:
    """Return how long to wait for a push; None for as long as it takes."""
    if not failures:
        return every_seconds or None
    retry = min(_FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10), _LONGEST_RETRY_SECONDS)
    return min(retry, every_seconds or retry)
