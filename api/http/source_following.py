"""Follow the repositories, buckets and web sites that documents come from, while a server runs."""

import threading
from collections.abc import Callable
from functools import partial

from api.http.pushes import Pushes
from ingest.background import IngestRunner
from ingest.sources.copies import current_copy, last_update, remote_version
from rag.errors import IngestStopped, KnowledgeError, SourceError, StoreLocked, ZhiwenError
from rag.settings import KnowledgeSettings

_RETRY_SECONDS = 5.0, 300.0
"""After the first failure, and at most."""
_WEB_RETRY_SECONDS = 60.0, 3600.0


def follow_source(
    settings: KnowledgeSettings,
    name: str,
    runner: IngestRunner,
    ingest: Callable[[], None],
    pushes: Pushes,
    stop: threading.Event,
) -> None:
    """Ingest now, and whenever there is something new: looked for on an interval, and after each push.

    `ingest` runs one ingest of `runner` to its end. After a failure, it is tried again at growing intervals. Returns
    once `stop` is set; note a push to end its wait.
    """
    ingested, refusal, failures = "", None, 0
    while not stop.is_set():
        # What has not been ingested by this process is fetched in any case.
        version = _version(settings, name, stop) if ingested else None
        if ingested and (version is None or (failures and version == ingested)):
            # It may be back by now, so the copy is brought up to date by itself.
            version = _fetched(settings, name, runner, stop)
        if stop.is_set():
            return
        # A look costs little; an ingest of nothing new reads the whole folder, and would undo a rollback.
        if not ingested or version not in (None, ingested):
            ingest()
            has_failed = _may_mend(runner.state.error)
            if not has_failed:
                ingested, refusal = last_update(settings).version, runner.state.error
        else:
            has_failed = version is None
            if failures and not has_failed:
                runner.take_back_failure(refusal)
        failures = failures + 1 if has_failed else 0
        pushes.wait(name, _pause(settings, failures))


def _may_mend(error: ZhiwenError | None) -> bool:
    """Return whether trying again may help; after a KnowledgeError, the documents must change first."""
    return error is not None and not isinstance(error, KnowledgeError)


def _version(settings: KnowledgeSettings, name: str, stop: threading.Event) -> str | None:
    """Return the current version of the source; None if it cannot be read."""
    try:
        return remote_version(settings, name, partial(_check_stopping, stop))
    except (SourceError, IngestStopped):
        return None


def _fetched(settings: KnowledgeSettings, name: str, runner: IngestRunner, stop: threading.Event) -> str | None:
    """Bring the copy up to date, and return its version; None if that must be tried again."""
    try:
        with current_copy(settings, name, partial(_check_stopping, stop)) as version:
            return version
    except SourceError as error:
        runner.note_failure(error)
    except (StoreLocked, IngestStopped):
        pass  # another process has the copy, or the server stops
    return None


def _check_stopping(stop: threading.Event) -> None:
    if stop.is_set():
        raise IngestStopped("the server is shutting down")


def _pause(settings: KnowledgeSettings, failures: int) -> float | None:
    """Return how long to wait for a push; None for as long as it takes."""
    every_seconds = settings.seconds_between_looks
    if not failures:
        return every_seconds or None
    first, longest = _WEB_RETRY_SECONDS if settings.web_url else _RETRY_SECONDS
    retry = min(first * 2.0 ** min(failures - 1, 10), longest)
    return min(retry, every_seconds or retry)
