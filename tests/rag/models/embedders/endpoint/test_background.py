"""Async work in a thread, iterated over by a caller that is not async."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from rag.models.embedders.endpoint.background import THREAD_NAME, iterate_in_background
from tests.kit.waiting import eventually


def threads() -> int:
    return sum(thread.name == THREAD_NAME for thread in threading.enumerate())


def test_results_arrive_in_order_and_the_thread_ends() -> None:
    async def count(emit: Callable[[int], None]) -> None:
        for number in range(3):
            emit(number)
            await asyncio.sleep(0)

    assert list(iterate_in_background(count)) == [0, 1, 2]
    assert threads() == 0


def test_what_the_work_raises_arrives_after_its_results() -> None:
    async def fail(emit: Callable[[int], None]) -> None:
        emit(1)
        raise LookupError("lost")

    results = []
    with pytest.raises(LookupError, match="lost"):
        results.extend(iterate_in_background(fail))
    assert threads() == 0


def test_the_caller_is_woken_while_nothing_arrives_and_can_cancel() -> None:
    cancelled = threading.Event()

    async def wait(emit: Callable[[int], None]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with closing(iterate_in_background(wait)) as results:
        assert next(results) is None
    assert cancelled.is_set()
    assert threads() == 0


def test_an_iterator_that_is_dropped_cancels_the_work() -> None:
    async def wait(emit: Callable[[int], None]) -> None:
        emit(1)
        await asyncio.Event().wait()

    results = iterate_in_background(wait)
    assert next(results) == 1
    del results
    eventually(lambda: threads() == 0)


def test_it_works_in_the_thread_of_an_event_loop() -> None:
    async def emit_one(emit: Callable[[int], None]) -> None:
        emit(1)

    async def caller() -> list[int | None]:
        return list(iterate_in_background(emit_one))

    assert asyncio.run(caller()) == [1]
