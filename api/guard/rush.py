"""A rush: so many connections and questions in one instant that the loop takes a while to look at them all."""

import asyncio

_TURNS = 8
_LONGEST_SECONDS = 0.25


class Rush:
    """What has arrived and costs next to nothing: new connections, and questions that are turned away."""

    def __init__(self) -> None:
        self._arrived = 0

    def note_arrival(self) -> None:
        self._arrived += 1

    async def over(self) -> None:
        """Return when nothing has arrived for some turns of the loop, or a quarter of a second later.

        For a question that has its place that is little. A thousand who have none would wait for all that is done for
        a few: from its connection to its refusal, each takes several turns.
        """
        loop = asyncio.get_running_loop()
        deadline, seen = loop.time() + _LONGEST_SECONDS, -1
        while self._arrived != seen and loop.time() < deadline:
            seen = self._arrived
            for _ in range(_TURNS):
                await asyncio.sleep(0)
