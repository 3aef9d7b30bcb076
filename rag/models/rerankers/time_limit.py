"""A deadline for a reranker: a person waits for its scores, and an answer is possible without them."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future

from rag.errors import RerankerError, RerankerTimeout
from rag.models.rerankers.protocol import Reranker


class TimeLimitedReranker:
    """Runs one call of `reranker` at a time, in a thread, and waits at most `timeout_seconds` for it.

    Neither torch nor a socket can be interrupted, so a call continues after its deadline. Until it ends, other calls
    fail at once instead of queueing behind it. Before its deadline, other calls wait, within their own.
    """

    def __init__(self, reranker: Reranker, *, timeout_seconds: float) -> None:
        self.name = reranker.name
        self._reranker = reranker
        self._timeout_seconds = timeout_seconds
        self._running = threading.Lock()
        self._due: float | None = None
        self.calls = Counter[str](reranked=0)
        """How often the hits were reranked, and how often each error, by its code, prevented it."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the scores of `reranker`, and raise its errors. Raises RerankerTimeout after `timeout_seconds`."""
        try:
            scores = self._scores_in_time(question, texts)
        except RerankerError as error:
            self.calls[error.code] += 1
            raise
        self.calls["reranked"] += 1
        return scores

    def _scores_in_time(self, question: str, texts: Sequence[str]) -> list[float]:
        end = time.monotonic() + self._timeout_seconds
        due = self._due
        if due is not None and time.monotonic() > due:
            raise RerankerTimeout(f"{self.name} is still busy with an earlier question that has timed out")
        if not self._running.acquire(timeout=self._timeout_seconds):
            raise RerankerTimeout(f"{self.name} was busy with other questions for {self._timeout_seconds:g} s")
        self._due = end
        outcome: Future[list[float]] = Future()
        # A daemon, so that a call that never returns does not keep the process alive.
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
        except BaseException as error:  # noqa: BLE001 (raised again by outcome.result)
            self._end()
            outcome.set_exception(error)
        else:
            self._end()
            outcome.set_result(scores)

    def _end(self) -> None:
        self._due = None
        self._running.release()
