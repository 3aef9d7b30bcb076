"""Virtual time passes without being waited for."""

import asyncio

import pytest

from tests.kit.virtual_time import VirtualTime


def test_sleeps_and_timeouts_move_the_clock_and_take_no_time() -> None:
    clock = VirtualTime()

    async def sleep_and_time_out() -> None:
        await asyncio.sleep(3600)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()

    clock.run(sleep_and_time_out())
    assert clock.passed == 3660
    clock.now += 5
    assert (clock.passed, clock()) == (3665, clock.now)


def test_a_thread_is_waited_for_in_real_time() -> None:
    clock = VirtualTime()
    assert clock.run(asyncio.to_thread(lambda: 7)) == 7
    assert clock.passed == 0
