"""Work for callers that leave: what has not begun never begins, and what has begun is waited for."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from anyio import CancelScope, create_task_group

from rag.blocking_work import Turns, on_behalf_of, run_blocking
from tests.kit.waiting import eventually


class Gate:
    """Work that notes that it has begun, and goes on once the gate is open."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns
        self.begun: list[int] = []
        self.entered: list[int] = []
        self.open = threading.Event()

    def work(self, number: int) -> int:
        self.entered.append(number)
        if self.turns is None:
            return self._hold(number)
        with self.turns.turn():
            return self._hold(number)

    def _hold(self, number: int) -> int:
        self.begun.append(number)
        assert self.open.wait(60)
        return number


async def until(condition: object) -> None:
    await asyncio.get_running_loop().run_in_executor(WAITING, eventually, condition)


async def turns_of_the_loop(count: int) -> None:
    """Let everything that is ready run this number of times, which waits for nothing."""
    for _ in range(count):
        await asyncio.sleep(0)


WAITING = ThreadPoolExecutor(4)


def with_threads(count: int) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(count))


def test_the_result_and_the_error_of_the_work_are_those_of_the_call() -> None:
    assert asyncio.run(run_blocking(max, 3, 4)) == 4
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_blocking(divmod, 1, 0))


def test_work_that_waits_for_a_thread_or_a_turn_never_begins_after_its_caller_has_left() -> None:
    for gate, threads in ((Gate(), 2), (Gate(Turns(2)), 8)):

        async def leave(gate: Gate = gate, threads: int = threads) -> None:
            with_threads(threads)
            calls = [asyncio.create_task(run_blocking(gate.work, number)) for number in range(8)]
            await until(lambda: len(gate.begun) == 2 and len(gate.entered) == threads)
            for call in calls[2:]:
                call.cancel()
            await asyncio.wait(calls[2:])  # the cancellations arrive only now
            gate.open.set()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert outcomes[:2] == [0, 1]
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[2:])
            assert await run_blocking(gate.work, 9) == 9, "the places are free again"

        asyncio.run(leave())
        assert sorted(gate.begun) == [0, 1, 9]


def test_work_whose_caller_has_left_does_not_wake_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette cancels a stream by anyio, which cancels its task again at every turn of the loop."""
    gate = Gate()
    waits: list[object] = []
    wait = asyncio.wait

    def counted(*arguments: Any) -> Any:
        waits.append(arguments)
        return wait(*arguments)

    async def leave() -> None:
        async with create_task_group() as stream:
            stream.start_soon(run_blocking, gate.work, 1)
            await until(lambda: gate.begun)
            stream.cancel_scope.cancel()
            with CancelScope(shield=True):
                await turns_of_the_loop(100)
                gate.open.set()

    monkeypatch.setattr(asyncio, "wait", counted)
    asyncio.run(leave())
    assert len(waits) == 1


def test_a_call_that_is_cancelled_ends_only_with_its_work() -> None:
    gate = Gate()
    ended: list[bool] = []

    async def leave() -> None:
        call = asyncio.create_task(run_blocking(gate.work, 1))
        await until(lambda: gate.begun)
        for _ in range(3):  # also if it is cancelled again and again
            call.cancel()
            await asyncio.sleep(0)
        assert not call.done()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        ended.append(True)

    asyncio.run(leave())
    assert ended


def test_turns_are_taken_in_the_order_of_arrival() -> None:
    turns, order = Turns(1), list[int]()

    def work(number: int) -> None:
        with turns.turn():
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    with turns.turn():
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            eventually(lambda waiting=waiting: len(turns._queue) == waiting)
    for thread in threads:
        thread.join(60)
    assert order == list(range(8))


def test_callers_take_turns_however_many_wait_for_one_of_them() -> None:
    turns, order = Turns(1), list[str]()

    def work(name: str) -> None:
        with on_behalf_of(name[0]), turns.turn():
            order.append(name)

    names = ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    with turns.turn():
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            eventually(lambda waiting=waiting: len(turns._queue) == waiting)
    for thread in threads:
        thread.join(60)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_one_caller_leaves_a_place_for_others_and_gets_its_own_again() -> None:
    turns = Turns(3, each=2)

    async def play() -> None:
        order, ends = list[str](), {name: asyncio.Event() for name in ("a1", "a2", "a3", "b1", "b2")}

        async def work(name: str) -> None:
            with on_behalf_of(name[0]):
                async with turns.turn_without_a_thread():
                    order.append(name)
                    await ends[name].wait()

        async def come(name: str) -> asyncio.Task[None]:
            arrived = len(order) + len(turns._queue) + 1
            task = asyncio.create_task(work(name))
            await until(lambda: len(order) + len(turns._queue) == arrived)
            return task

        tasks = [await come(name) for name in ("a1", "a2", "a3", "b1", "b2")]
        assert order == ["a1", "a2", "b1"], "a third of one caller waits, though a place is free"
        ends["b1"].set()
        await until(lambda: len(order) == 4)
        assert order[3:] == ["b2"]
        ends["a1"].set()
        await until(lambda: len(order) == 5)
        assert order[4:] == ["a3"]
        for end in ends.values():
            end.set()
        await asyncio.gather(*tasks)

    asyncio.run(play())


def test_callers_without_a_name_may_take_all_places() -> None:
    turns = Turns(2, each=1)

    async def play() -> None:
        async with turns.turn_without_a_thread(), turns.turn_without_a_thread():
            third = asyncio.create_task(turns.turn_without_a_thread().__aenter__())
            await until(lambda: len(turns._queue) == 1)
            assert not third.done(), "there are only two"
            third.cancel()
            await asyncio.gather(third, return_exceptions=True)

    asyncio.run(asyncio.wait_for(play(), 60))


def test_turns_on_an_event_loop_are_fair_and_those_who_leave_keep_none() -> None:
    turns, order = Turns(1), list[str]()

    async def work(name: str) -> None:
        with on_behalf_of(name[0]):
            async with turns.turn_without_a_thread():
                order.append(name)

    async def play() -> None:
        async with turns.turn_without_a_thread():
            tasks = [asyncio.create_task(work(name)) for name in ("a1", "a2", "a3", "b1")]
            await until(lambda: len(turns._queue) == 4)
            tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        late = asyncio.create_task(work("c1"))
        async with turns.turn_without_a_thread():
            await until(lambda: len(turns._queue) == 1)
        late.cancel()  # in the moment in which it gets the place
        await asyncio.gather(late, return_exceptions=True)
        await work("d1")

    asyncio.run(play())
    assert order[:3] == ["a1", "b1", "a3"]
    assert order[-1] == "d1"


def test_at_most_as_many_threads_as_there_are_places_have_a_turn() -> None:
    turns, inside, most = Turns(3), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns.turn():
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 3
