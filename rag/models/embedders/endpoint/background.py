"""Async work for a caller that is not: it runs in a thread, and its results are iterated over here."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

IDLE_SECONDS = 0.5
THREAD_NAME = "embedding"


def iterate_in_background(
    work: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]],
) -> Generator[T | None, None, None]:
    """Run `work(emit)` on an event loop in a thread, and yield what it emits, and None after each idle half second.

    Raises what `work` raises. Close the iterator to cancel `work`; its thread has ended when `close` returns.
    """
    emitted: SimpleQueue[T | None] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(work(emitted.put))
    task.add_done_callback(lambda _: emitted.put(None))
    # wait() raises nothing of what the task raises. A daemon does not keep a process alive that wants to end.
    ending = asyncio.wait([task])
    thread = threading.Thread(target=loop.run_until_complete, args=(ending,), name=THREAD_NAME, daemon=True)
    thread.start()
    try:
        while not (task.done() and emitted.empty()):
            try:
                result = emitted.get(timeout=IDLE_SECONDS)
            except Empty:
                yield None
            else:
                if result is not None:  # the end of the task, which only wakes this thread up
                    yield result
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
        failure = None if task.cancelled() else task.exception()
    if failure:
        raise failure
