"""A reranker that answers in time or says that it did not: a reader waits for it, and can do without."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from rag.errors import RerankerTimeout
from rag.models.rerankers.protocol import Reranker


class TimeLimitedReranker:
    """Runs one call of `reranker` at a time, in a thread, and waits for it `timeout_seconds` at most.

    Neither torch nor a socket can be interrupted, so a call that is given up runs on. Until it ends, further ones are
    refused at once and do not pile up behind it; behind a call that is still in its time, they wait within their own.
    """

    def __init__(self, reranker: Reranker, *, timeout_seconds: float) -> None:
        self.name = reranker.name
        self._reranker = reranker
        self._timeout_seconds = timeout_seconds
        self._running = threading.Lock()
        self._due: float | None = None

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        end = time.monotonic() + self._timeout_seconds
        due = self._due
        if due is not None and time.monotonic() > due:
            raise RerankerTimeout(f"{self.name} is still busy with an earlier question, whose time is up")
        if not self._running.acquire(timeout=self._timeout_seconds):
            raise RerankerTimeout(f"{self.name} was busy with other questions for {self._timeout_seconds:g} s")
        self._due = end
        outcome: Future[list[float]] = Future()
        # A daemon, so that a call that never ends does not keep the process from ending.
        threading.Thread(target=self._run, args=(question, texts, outcome), daemon=True).start()
        try:
            return outcome.result(max(end - time.monotonic(), 0))
        except TimeoutError as error:
            raise RerankerTimeout(
                f"{self.name} did not answer within {self._timeout_seconds:g} s; "
                "raise rerank.timeout_seconds, lower rerank.candidates or choose a smaller model"
            ) from error

    def _run(self, question: str, texts: Sequence[str], outcome: Future[list[float]]) -> None:
        try:
            scores = self._reranker.scores(question, texts)
        except BaseException as error:  # noqa: BLE001 raised again where the outcome is asked for
            self._end()
            outcome.set_exception(error)
        else:
            self._end()
            outcome.set_result(scores)

    def _end(self) -> None:
        self._due = None
        self._running.release()
