"""A rush: so many connections and questions in one instant that the loop takes a while to look at them all."""

import asyncio

_GLANCE_SECONDS = 0.001
_QUIET_SECONDS = 0.01
_LONGEST_SECONDS = 0.25


class Rush:
    """What has arrived and costs next to nothing: new connections, and questions that are turned away."""

    def __init__(self) -> None:
        self._arrived = 0

    def note_arrival(self) -> None:
        self._arrived += 1

    async def over(self) -> None:
        """Return when nothing has arrived for a hundredth of a second, or a quarter of a second later.

        In a rush, a thousand who have no place would wait for all that is done for a few. Where nothing arrives within
        a thousandth of a second there is none.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + _LONGEST_SECONDS, _GLANCE_SECONDS
        while loop.time() < deadline:
            seen = self._arrived
            await asyncio.sleep(pause)
            if self._arrived == seen:
                return
            pause = _QUIET_SECONDS
