"""How calls of an endpoint slow down together and speed up again."""

import pytest

from rag.models.embedders.endpoint.pace import LONGEST_PAUSE_SECONDS, Pace
from tests.kit.virtual_time import VirtualTime


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime()


def test_what_the_server_asks_for_is_waited_for(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    assert pace.seconds_to_wait == 0
    pace.slow_down(clock(), 20)
    clock.now += 19
    assert pace.seconds_to_wait == 1
    clock.now += 5
    assert pace.seconds_to_wait == 0


def test_the_longest_wish_counts(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    sent_at = clock()
    pace.slow_down(sent_at, 20)
    pace.slow_down(sent_at, 5)
    assert pace.seconds_to_wait == 20
    pace.slow_down(sent_at, 60)
    assert pace.seconds_to_wait == 60


def test_pauses_grow_with_each_failure_in_a_row_up_to_a_limit(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    for longest in [0.5, 1, 2, 4, 8, 16, *[LONGEST_PAUSE_SECONDS] * 2000]:
        pace.slow_down(clock(), None)
        assert longest / 2 <= pace.seconds_to_wait <= longest
        clock.now += longest
    pace.speed_up(clock())
    pace.slow_down(clock(), None)
    assert pace.seconds_to_wait <= 0.5


def test_calls_that_were_under_way_together_count_once(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    sent_at = clock()
    clock.now += 1
    for _ in range(8):
        pace.slow_down(sent_at, None)
        pace.speed_up(sent_at)
    assert pace.seconds_to_wait <= 0.5
    assert pace.calls_at_once == 1, "one call finds out whether the others may go on"
    pace.speed_up(clock())
    assert pace.calls_at_once == 6


def test_a_wish_of_the_server_takes_calls_away_only_if_it_comes_again_at_once(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    pace.slow_down(clock(), 5)
    assert pace.calls_at_once == 8
    clock.now += 5
    pace.slow_down(clock(), 5)
    assert pace.calls_at_once == 6


def test_calls_at_once_fall_to_one_and_come_back_slowly(clock: VirtualTime) -> None:
    pace = Pace(8, clock)
    for _ in range(50):
        pace.slow_down(clock(), 0)
        clock.now += 1
    assert pace.calls_at_once == 1
    grown = []
    for _ in range(40):
        pace.speed_up(clock())
        grown.append(pace.calls_at_once)
    assert grown[:5] == [1, 2, 2, 3, 3]
    assert grown[-1] == 8
