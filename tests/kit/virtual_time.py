"""Time that passes only when a test says so, or when an event loop has nothing to do but wait."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTime:
    """A clock, in seconds, to be injected; and coroutines whose sleeps and timeouts move it instead of waiting.

    >>> clock = VirtualTime()
    >>> clock.run(asyncio.sleep(3600))
    >>> clock.passed
    3600.0
    """

    def __init__(self) -> None:
        self._start = self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    @property
    def passed(self) -> float:
        """Seconds since the clock was made."""
        return self.now - self._start

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` on an event loop that goes by this clock, and return its result.

        A pending timer does not wait for threads or sockets: keep real I/O out of `coroutine`.
        """
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(coroutine)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualTime) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        return self._clock.now


class _Selector(selectors.DefaultSelector):
    """Where nothing is ready, moves the clock to the next timer at once."""

    def __init__(self, clock: VirtualTime) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout if timeout is None else 0)
        if not ready and timeout:
            self._clock.now += timeout
        return ready
