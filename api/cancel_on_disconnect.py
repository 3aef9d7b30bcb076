"""Cancel the work for a client that has disconnected.

Starlette does this only for streams. A handler that returns a whole response would finish its work in vain.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from rag.blocking_work import wait_undisturbed

Result = TypeVar("Result")

CLIENT_GONE = 499
"""The status of a request whose client has gone, as in nginx. Only logs and metrics show it."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return the result of the work, or None if the client disconnects first. The work has ended in either case."""
    task = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait({task, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        disconnect.cancel()
        await wait_undisturbed(task, disconnect)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
