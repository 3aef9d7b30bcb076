"""Blocking work in threads, for callers that may leave: no work is begun in vain, and none goes on unnoticed."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def run_blocking(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs
) -> Result:
    """Return what `work` returns, from a thread of the event loop's executor.

    If the caller is cancelled, work that has not begun never begins, nor does what waits for its turn in `Turns`. Work
    that has begun is waited for, so that what the caller holds is held until it ends.
    """
    call = _Call()
    context = copy_context()
    context.run(_current.set, call)

    def begin() -> Result:
        call.begin()
        return context.run(work, *arguments, **options)

    done = asyncio.get_running_loop().run_in_executor(None, begin)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        if call.cancel():
            await _ended(done)
        else:
            done.cancel()
        raise


class Turns:
    """At most `places` threads at a time; the others wait, first come first served."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queue: deque[Future[None]] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and hold it. Raises `concurrent.futures.CancelledError` if the caller leaves before."""
        with self._lock:
            mine: Future[None] | None = None
            if self._free:
                self._free -= 1
            else:
                mine = Future()
                self._queue.append(mine)
        if mine:
            (_current.get() or _Call()).wait_for(mine)
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            while self._queue:
                following = self._queue.popleft()
                if following.set_running_or_notify_cancel():
                    following.set_result(None)
                    return
            self._free += 1


class _Call:
    """A call of `run_blocking`, shared by its thread and its caller."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_begun = False
        self._is_cancelled = False
        self._turn: Future[None] | None = None

    def begin(self) -> None:
        """Raise CancelledError if the caller has left."""
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            self._has_begun = True

    def wait_for(self, turn: Future[None]) -> None:
        """Wait until it is this thread's turn. Raises CancelledError if the caller leaves before."""
        with self._lock:
            self._turn = turn
            if self._is_cancelled:
                turn.cancel()
        turn.result()

    def cancel(self) -> bool:
        """Note that the caller has left; return whether the work has begun."""
        with self._lock:
            self._is_cancelled = True
            if self._turn:
                self._turn.cancel()
            return self._has_begun


_current: ContextVar[_Call | None] = ContextVar("blocking_work", default=None)


async def _ended(done: "asyncio.Future[Result]") -> None:
    """Wait for the end of the work, also if the caller is cancelled once more; its outcome concerns nobody."""
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            continue
    done.exception()
