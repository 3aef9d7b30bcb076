"""Batches of the items that an asynchronous generator yields while its consumer is busy."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from rag.blocking_work import wait_undisturbed

Item = TypeVar("Item")


async def batch_ready_items(source: AsyncGenerator[Item, None]) -> AsyncGenerator[list[Item], None]:
    """Yield all items that are ready, at least one at a time, without waiting for more.

    The source runs on while the consumer is busy, and is closed together with this generator. Its error is raised after
    the items before it.
    """
    queue: asyncio.Queue[Item | None] = asyncio.Queue()

    async def fetch() -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    queue.put_nowait(item)
        finally:
            queue.put_nowait(None)

    fetching = asyncio.create_task(fetch())
    try:
        has_ended = False
        while not has_ended:
            items = [await queue.get()]
            while not queue.empty():
                items.append(queue.get_nowait())
            has_ended = items[-1] is None
            if batch := [item for item in items if item is not None]:
                yield batch
        await fetching
    finally:
        fetching.cancel()
        await wait_undisturbed(fetching)
