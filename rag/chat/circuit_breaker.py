"""Stop calling a chat model that keeps failing, so that nobody waits for it."""

from collections.abc import Callable


class CircuitBreaker:
    """Opens after `max_failures` failures in a row and stays open for `cooldown_seconds`.

    - Closed: the model is called.
    - Open: the model is not called until the cooldown is over.
    - Half-open, after the cooldown: the model is called again. One more failure opens the circuit again, one success
      closes it.

    `clock` returns seconds. The pattern is from Michael Nygard, "Release It!".
    """

    def __init__(self, *, max_failures: int, cooldown_seconds: float, clock: Callable[[], float]) -> None:
        self._max_failures = max_failures
        self._cooldown_seconds = cooldown_seconds
        self._clock = clock
        self._failures = 0
        self._open_until = float("-inf")

    @property
    def seconds_left(self) -> float:
        """Seconds until the cooldown is over; 0 unless the circuit is open."""
        return max(0.0, self._open_until - self._clock())

    def record_failure(self) -> None:
        """Count a failed call; the `max_failures`-th in a row opens the circuit."""
        self._failures += 1
        if self._failures >= self._max_failures:
            self._open_until = self._clock() + self._cooldown_seconds

    def record_success(self) -> None:
        """Close the circuit and forget the failures."""
        self._failures = 0
        self._open_until = float("-inf")
