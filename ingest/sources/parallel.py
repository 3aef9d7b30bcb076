"""Calls in threads. A caller that gives up leaves them behind: a server that stops must not wait for them."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from ingest.sources.protocol import OnWait

_LOOK_SECONDS = 0.1

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_thread(work: Callable[[Item], Result], item: Item, *, on_wait: OnWait) -> Result:
    """Return what `work` makes of one item, as `in_threads` does of several."""
    [(_, result)] = in_threads(work, [item], threads=1, on_wait=on_wait)
    return result


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, on_wait: OnWait
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with what `work` makes of it, in the order in which the calls end.

    An error of `work` or `on_wait` ends it; the calls that still run are left behind, and their results are dropped.
    """
    waiting, running = iter(items), dict[Future[Result], Item]()
    pool = ThreadPoolExecutor(threads, "source")
    try:
        while True:
            for item in islice(waiting, 2 * threads - len(running)):
                running[pool.submit(work, item)] = item
            if not running:
                return
            on_wait()
            for done in wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
