"""The threads of a pipeline: each runs one stage, and hands its results to the one thread that uses them."""

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from rag.errors import IngestStopped

T = TypeVar("T")

_SECONDS_TO_END = 1.0


class Inbox:
    """Results of other threads. They are handled one after another, by the thread that calls `handle_next`."""

    def __init__(self) -> None:
        self._posts: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def post(self, handle: Callable[[], object]) -> None:
        """Let `handle` be called by the thread that owns the inbox."""
        self._posts.put(handle)

    def handle_next(self, *, timeout_seconds: float) -> None:
        """Handle the next result, if there is one in time. Raises the error of a stage that failed."""
        try:
            handle = self._posts.get(timeout=timeout_seconds)
        except queue.Empty:
            return
        handle()


class StageThread:
    """A thread that does the jobs of one stage in their order. A context manager; the thread starts with the first job.

    At the end of the context, whatever the reason, the thread ends: `interrupt` ends a job that waits for something
    else, and `check_running` ends one that calls it. A thread that takes longer than a second is left to itself; it
    can do no more than finish its call.
    """

    def __init__(self, name: str, inbox: Inbox, *, interrupt: Callable[[], object] = lambda: None) -> None:
        self._inbox = inbox
        self._interrupt = interrupt
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"ingest-{name}", daemon=True)
        self._is_stopping = threading.Event()
        self.jobs = 0
        """Jobs that were submitted and whose results were not handled yet."""

    def __enter__(self) -> "StageThread":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_stopping.set()
        self._interrupt()
        if self._thread.ident is not None:
            self._jobs.put(None)
            self._thread.join(_SECONDS_TO_END)

    def submit(self, job: Callable[[], T], then: Callable[[T], object]) -> None:
        """Do a job on the thread, and call `then` with its result in the thread that owns the inbox."""

        def run() -> None:
            result = job()
            self._inbox.post(lambda: handle(result))

        def handle(result: T) -> None:
            self.jobs -= 1
            then(result)

        self.jobs += 1
        self._jobs.put(run)
        if self._thread.ident is None:
            self._thread.start()

    def check_running(self) -> None:
        """Raise IngestStopped, in a job, if its result is no longer wanted."""
        if self._is_stopping.is_set():
            raise IngestStopped("the ingest has ended before this stage")

    def _run(self) -> None:
        while job := self._jobs.get():
            try:
                job()
            except BaseException as error:  # noqa: BLE001  (raised again, in the thread that owns the inbox)
                self._inbox.post(_raising(error))
                return


def _raising(error: BaseException) -> Callable[[], object]:
    def handle() -> None:
        raise error

    return handle
