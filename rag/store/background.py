"""Reads that run in other threads while their caller does something else."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")

_THREADS = 8


class PendingRead(Generic[ResultT]):
    """A read that may have begun."""

    def __init__(self, read: Callable[[], ResultT], future: Future[ResultT]) -> None:
        self._read = read
        self._future = future

    def result(self) -> ResultT:
        """Wait for the result, which is the same each time; raises what the read raises.

        If no thread was free until now, the read runs in this thread, so a caller never waits for the reads of others.
        """
        if self._future.cancel():
            result = self._read()
            self._future = Future()
            self._future.set_result(result)
        return self._future.result()


class BackgroundReads:
    """A few threads for reads. Safe to use from several threads; whoever opened it closes it."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="zhiwen-read")

    def start(self, read: Callable[[], ResultT]) -> PendingRead[ResultT]:
        """Begin a read as soon as a thread is free."""
        return PendingRead(read, self._threads.submit(read))

    def close(self) -> None:
        """Wait for the reads that have begun; the others are dropped."""
        self._threads.shutdown(cancel_futures=True)
