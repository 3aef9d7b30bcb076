"""What an asynchronous generator yields, in lists of what came while its reader was busy."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")


async def batch_ready_items(source: AsyncGenerator[Item, None]) -> AsyncGenerator[list[Item], None]:
    """Never waits for more once there is something; raises what the source raises, after what came before.

    The source goes on while the reader is busy, and is closed with this one.
    """
    waiting: asyncio.Queue[Item | None] = asyncio.Queue()

    async def fetch() -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    waiting.put_nowait(item)
        finally:
            waiting.put_nowait(None)

    fetching = asyncio.create_task(fetch())
    try:
        is_over = False
        while not is_over:
            items = [await waiting.get()]
            while not waiting.empty():
                items.append(waiting.get_nowait())
            is_over = items[-1] is None
            if found := [item for item in items if item is not None]:
                yield found
        await fetching
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
