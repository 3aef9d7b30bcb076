"""One ingest at a time in the background, and the state of each knowledge base's."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from ingest.staging.plan import OnPlan, Plan
from ingest.staging.report import IngestReport, OnProgress, Progress
from rag.errors import IngestStopped, StoreLocked, ZhiwenError
from rag.knowledge_base_names import DEFAULT

log = logging.getLogger("zhiwen.ingest")

Run = Callable[[OnPlan, OnProgress], IngestReport]


@dataclass(frozen=True, slots=True)
class RunState:
    """What is known of the running ingest and of the last ones.

    `run` counts the ingests started. `plan` and `progress` are those of the running ingest or, if none runs, of the
    last. `report` is that of the last ingest that succeeded; `error` is set if the last that ended failed.
    """

    running: bool = False
    run: int = 0
    plan: Plan | None = None
    progress: Progress | None = None
    report: IngestReport | None = None
    error: ZhiwenError | None = None


class IngestRunner:
    """Starts each ingest on a thread of its own.

    It is the runner of the default knowledge base; `of` has those of the others. They take turns, so that two ingests
    do not slow each other and the questions down: the second waits for the end of the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._state = RunState()
        self._stopping = threading.Event()
        self._observers: list[Callable[[IngestReport | ZhiwenError], object]] = []
        self._turn = threading.Lock()
        self._others: dict[str, IngestRunner] = {}

    def of(self, knowledge_base: str) -> "IngestRunner":
        """Return the runner of a knowledge base."""
        if knowledge_base == DEFAULT:
            return self
        with self._lock:
            if knowledge_base not in self._others:
                other = IngestRunner()
                other._stopping, other._observers, other._turn = self._stopping, self._observers, self._turn
                self._others[knowledge_base] = other
            return self._others[knowledge_base]

    def observe(self, observer: Callable[[IngestReport | ZhiwenError], object]) -> None:
        """Call `observer` with the result of each ingest, in the thread of the ingest."""
        self._observers.append(observer)

    @property
    def state(self) -> RunState:
        """The state now; it does not change once it is taken."""
        return self._state

    def start(self, run: Run) -> RunState:
        """Start `run` and return the state. Raises StoreLocked if an ingest is running, IngestStopped after `stop`."""
        with self._lock:
            if self._stopping.is_set():
                raise IngestStopped("the server is shutting down")
            if self._state.running:
                raise StoreLocked("an ingest is running already; GET /ingest tells how far it is")
            last = self._state
            self._state = RunState(running=True, run=last.run + 1, report=last.report, error=last.error)
            self._thread = threading.Thread(target=self._run, args=(run,), name="ingest")
            self._thread.start()
            return self._state

    def note_failure(self, error: ZhiwenError) -> None:
        """Note that there could be no ingest, as if one had failed."""
        with self._lock:
            if not self._state.running:
                self._fail(error)

    def take_back_failure(self, error: ZhiwenError | None) -> None:
        """Note that what the last ingest failed of is over; `error` is how the one before it ended."""
        with self._lock:
            if not self._state.running:
                self._state = replace(self._state, error=error)

    def wait(self) -> None:
        """Wait until no ingest of this knowledge base is running."""
        if self._thread:
            self._thread.join()

    def begin_to_stop(self) -> None:
        """Make a running ingest end at its next batch, and let no other start."""
        self._stopping.set()

    def stop(self) -> None:
        """Make a running ingest end at its next batch and wait for its end; let no other start."""
        self.begin_to_stop()
        for runner in (self, *self._others.values()):
            runner.wait()

    def _run(self, run: Run) -> None:
        try:
            with self._turn:
                self._check_stopping()
                report = run(self._report_plan, self._report_progress)
        except ZhiwenError as error:
            self._fail(error)
        except BaseException:
            self._end(ZhiwenError("the ingest crashed; see the log"))
            log.exception("ingest crashed")
            raise
        else:
            last = self._state.report
            if report.message and report.message != (last.message if last else ""):
                log.warning("ingest: %s", report.message)
            self._end(report)

    def _fail(self, error: ZhiwenError) -> None:
        # If the log is a file in a watched folder, each line starts another ingest.
        if str(error) != str(self._state.error):
            log.warning("ingest failed: %s", error)
        self._end(error)

    def _end(self, result: IngestReport | ZhiwenError) -> None:
        for observer in self._observers:
            observer(result)
        if isinstance(result, ZhiwenError):
            self._state = replace(self._state, running=False, error=result)
        else:
            self._state = replace(self._state, running=False, report=result, error=None)

    def _report_plan(self, plan: Plan) -> None:
        self._state = replace(self._state, plan=plan)

    def _report_progress(self, progress: Progress) -> None:
        self._check_stopping()
        self._state = replace(self._state, progress=progress)

    def _check_stopping(self) -> None:
        if self._stopping.is_set():
            raise IngestStopped("the ingest was stopped because the server is shutting down; run it again")
