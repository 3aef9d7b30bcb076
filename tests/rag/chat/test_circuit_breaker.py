"""A breaker counts failures in a row and says how long the rest lasts."""

from rag.chat.circuit_breaker import CircuitBreaker
from tests.kit.virtual_time import VirtualTime


def test_a_breaker_says_how_long_the_rest_still_is() -> None:
    clock = VirtualTime()
    breaker = CircuitBreaker(max_failures=1, cooldown_seconds=30, clock=clock)
    assert breaker.seconds_left == 0
    breaker.record_failure()
    clock.now += 10
    assert breaker.seconds_left == 20
    breaker.record_success()
    assert breaker.seconds_left == 0


def test_only_failures_in_a_row_lead_to_a_rest_and_one_more_after_it_to_the_next() -> None:
    clock = VirtualTime()
    breaker = CircuitBreaker(max_failures=2, cooldown_seconds=30, clock=clock)
    breaker.record_failure()
    breaker.record_success()
    breaker.record_failure()
    assert breaker.seconds_left == 0
    breaker.record_failure()
    assert breaker.seconds_left == 30
    clock.now += 30
    assert breaker.seconds_left == 0
    breaker.record_failure()
    assert breaker.seconds_left == 30
