"""A model that keeps failing is left alone for a while, so that nobody waits for it meanwhile."""

from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row; after `max_failures` the model rests for `rest_seconds`.

    After the rest it is tried again, and one more failure sends it back. `clock` gives seconds.
    """

    def __init__(self, *, max_failures: int, rest_seconds: float, clock: Callable[[], float]) -> None:
        self._max_failures = max_failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._failures = 0
        self._rests_until = float("-inf")

    @property
    def seconds_left(self) -> float:
        """How long it still rests; 0 if it does not."""
        return max(0.0, self._rests_until - self._clock())

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._max_failures:
            self._rests_until = self._clock() + self._rest_seconds

    def succeeded(self) -> None:
        self._failures = 0
        self._rests_until = float("-inf")
