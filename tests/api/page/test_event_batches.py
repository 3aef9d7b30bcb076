"""Items are gathered while their reader is busy."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from api.page.event_batches import batch_ready_items


async def numbers(
    ended: list[str], *, go_on: asyncio.Event | None = None, fail: bool = False, hang: bool = False
) -> AsyncGenerator[int, None]:
    """1 to 4; after 1, wait for `go_on`."""
    try:
        yield 1
        if go_on:
            await go_on.wait()
        yield 2
        yield 3
        if fail:
            raise ValueError("after three")
        if hang:
            await asyncio.Event().wait()
        yield 4
    finally:
        ended.append("closed")


def test_items_that_arrive_while_the_reader_is_busy_come_together_and_in_order() -> None:
    async def read() -> list[list[int]]:
        found, ended, go_on = [], list[str](), asyncio.Event()
        async for items in batch_ready_items(numbers(ended, go_on=go_on)):
            found.append(items)
            go_on.set()
            while not ended:
                await asyncio.sleep(0)  # busy until the source has yielded all
        return found

    assert asyncio.run(read()) == [[1], [2, 3, 4]]


def test_an_error_of_the_source_comes_after_the_items_before_it() -> None:
    async def read() -> None:
        async for items in batch_ready_items(numbers(ended, fail=True)):
            found.extend(items)

    found: list[int] = []
    ended: list[str] = []
    with pytest.raises(ValueError, match="after three"):
        asyncio.run(read())
    assert (found, ended) == ([1, 2, 3], ["closed"])


def test_a_reader_that_leaves_closes_the_source() -> None:
    async def read() -> None:
        source = batch_ready_items(numbers(ended, hang=True))
        async for _ in source:
            break
        await source.aclose()
        assert ended == ["closed"]

    ended: list[str] = []
    asyncio.run(read())
    assert ended == ["closed"]
