"""One ingest at a time in the background, and what can be known of it meanwhile."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ingest.report import IngestReport, OnProgress, Progress
from rag.errors import StoreLocked, ZhiwenError

log = logging.getLogger("zhiwen.ingest")

Run = Callable[[OnProgress], IngestReport]


@dataclass(frozen=True, slots=True)
class RunState:
    """`report` or `error` is of the last run that ended; neither before the first."""

    running: bool = False
    progress: Progress | None = None
    report: IngestReport | None = None
    error: ZhiwenError | None = None


class IngestRunner:
    """Starts ingests on a thread of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._state = RunState()

    @property
    def state(self) -> RunState:
        return self._state

    def start(self, run: Run) -> RunState:
        """Begin `run`. Raises StoreLocked if one is running."""
        with self._lock:
            if self._state.running:
                raise StoreLocked("an ingest is running already; GET /ingest tells how far it is")
            self._state = RunState(running=True, report=self._state.report)
            self._thread = threading.Thread(target=self._run, args=(run,), name="ingest")
            self._thread.start()
            return self._state

    def wait(self) -> None:
        """Until the running ingest, if any, has ended."""
        if self._thread:
            self._thread.join()

    def _run(self, run: Run) -> None:
        try:
            report = run(self._report_progress)
        except ZhiwenError as error:
            log.warning("ingest failed: %s", error)
            self._state = RunState(report=self._state.report, error=error)
        except BaseException:
            self._state = RunState(report=self._state.report, error=ZhiwenError("the ingest crashed; see the log"))
            log.exception("ingest crashed")
            raise
        else:
            self._state = RunState(report=report)

    def _report_progress(self, progress: Progress) -> None:
        self._state = RunState(running=True, progress=progress, report=self._state.report)
