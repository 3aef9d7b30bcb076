"""How many calls of an endpoint may run at once, and when: what one of them learns slows all of them down."""

import math
import random
import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_SLOWER, _FASTER = 0.75, 0.5


class Pace:
    """Additive increase, multiplicative decrease, between 1 and `most` calls at once.

    A slowdown pauses all calls and takes a quarter of them away, unless a pause that the server asks for is enough; two
    calls with an answer give one back. If the server does not say when to come back, one call at a time finds out.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._most = most
        self._allowed = float(most)
        self._slowed_at = self._resume_at = -math.inf
        self._failures_in_a_row = 0
        self._is_probing = False

    @property
    def calls_at_once(self) -> int:
        """How many calls may run now, at least 1."""
        return 1 if self._is_probing else int(self._allowed)

    @property
    def is_probing(self) -> bool:
        """Whether one call finds out if the others may go on."""
        return self._is_probing

    @property
    def seconds_to_wait(self) -> float:
        """Seconds until the next call may be sent, 0 if one may be sent now."""
        return max(self._resume_at - self.clock(), 0.0)

    def speed_up(self, sent_at: float) -> None:
        """Note a call that was answered, by the time at which it was sent."""
        # Calls that were under way at the last slowdown say nothing about the pace since then.
        if sent_at >= self._slowed_at:
            self._failures_in_a_row = 0
            self._is_probing = False
            self._allowed = min(self._allowed + _FASTER, self._most)

    def slow_down(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Note a call that has to be repeated, by the time at which it was sent and what the server asks for.

        Without a wish of the server the pause doubles with each failure in a row, with jitter.
        """
        now = self.clock()
        # Calls that were under way already at the last slowdown fail for the same reason, so they count only once.
        if sent_at >= self._slowed_at:
            self._slowed_at = now
            self._failures_in_a_row += 1
            self._is_probing = retry_after_seconds is None
            # What the server asks for may be enough, until it asks again at once.
            if retry_after_seconds is None or self._failures_in_a_row > 1:
                self._allowed = max(self._allowed * _SLOWER, 1.0)
        elif retry_after_seconds is None:
            return
        pause = growing_pause(self._failures_in_a_row) if retry_after_seconds is None else retry_after_seconds
        self._resume_at = max(self._resume_at, now + pause)


def growing_pause(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: twice as long each time, with jitter."""
    # The exponent is bounded because a float is.
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (jitter)
