"""Blocking work in threads, for callers that may leave: no work is begun in vain, and none goes on unnoticed."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

from anyio import CancelScope

from rag.fair_queue import FairQueue

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
            await wait_undisturbed(done)
        else:
            done.cancel()
        raise


async def wait_undisturbed(*work: "asyncio.Future[Any]") -> None:
    """Wait for the end of all work, also if the caller is cancelled meanwhile; outcomes and errors concern nobody.

    Raises CancelledError only after that.
    """
    cancelled: asyncio.CancelledError | None = None
    # anyio cancels a task that goes on at every turn of the loop, which then never rests; but not behind a shield.
    with CancelScope(shield=True):
        while running := [each for each in work if not each.done()]:
            try:
                await asyncio.wait(running)
            except asyncio.CancelledError as error:
                cancelled = error
    for each in work:
        if not each.cancelled():
            each.exception()
    if cancelled:
        raise cancelled


async def compute(work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
    """Return what `work` returns, as `run_blocking`, for work that waits for nothing.

    Python computes in one thread at a time, so more than one of a caller would only take time from others.
    """
    async with _COMPUTING.turn_without_a_thread():
        return await run_blocking(work, *arguments, **options)


class Turns:
    """At most `places` at a time, and at most `each` of one caller, so that others find one free.

    The others wait in a queue in which callers take turns: see `on_behalf_of`. Work without the name of a caller may be
    for many people, so `each` does not limit it.
    """

    def __init__(self, places: int, *, each: int | None = None) -> None:
        self._free = places
        self._each = each or places
        self._held: Counter[str] = Counter()
        self._queue: FairQueue[_Place] = FairQueue()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and hold it. Raises `concurrent.futures.CancelledError` if the caller leaves before."""
        place = self._enter()
        (_current.get() or _Call()).wait_for(place.given)
        try:
            yield
        finally:
            self._leave(place)

    @asynccontextmanager
    async def turn_without_a_thread(self) -> AsyncIterator[None]:
        """Wait for a place and hold it, on an event loop."""
        place = self._enter()
        try:
            await asyncio.wrap_future(place.given)
        except asyncio.CancelledError:
            if not place.given.cancelled():  # it was given in the same moment
                self._leave(place)
            raise
        try:
            yield
        finally:
            self._leave(place)

    def _enter(self) -> "_Place":
        place = _Place(_caller.get())
        with self._lock:
            self._queue.append(place.caller, place)
            self._give()
        return place

    def _leave(self, place: "_Place") -> None:
        with self._lock:
            self._free += 1
            self._held[place.caller] -= 1
            self._held += Counter()  # forget who holds none
            self._give()

    def _give(self) -> None:
        """Give free places to those whose turn it is."""
        while self._free:
            busy = {caller for caller, held in self._held.items() if caller and held >= self._each}
            place = self._queue.popleft(but_not=busy)
            if place is None:
                return
            if place.given.set_running_or_notify_cancel():
                self._free -= 1
                self._held[place.caller] += 1
                place.given.set_result(None)


class _Place:
    """A place in `Turns` for a caller; `given` is done as soon as it is theirs."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.given: Future[None] = Future()


@contextmanager
def on_behalf_of(caller: str) -> Iterator[None]:
    """Say for whom this task, and the threads and tasks that it starts, take their turns."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


_COMPUTING = Turns(8, each=1)
"""Of the whole process, because all of its threads share one interpreter."""


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


_caller: ContextVar[str] = ContextVar("caller_in_turns", default="")
_current: ContextVar[_Call | None] = ContextVar("blocking_work", default=None)
