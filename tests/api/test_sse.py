"""Streams that say something while the model does not."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from api.sse import with_comments
from tests.kit.virtual_time import VirtualTime

COMMENT = b": keep-alive\n\n"


async def frames(*steps: bytes | float, closed: list[bool] | None = None) -> AsyncGenerator[bytes, None]:
    try:
        # What belongs to one task must be left in the task that entered it.
        async with asyncio.timeout(1000):
            for step in steps:
                if isinstance(step, bytes):
                    yield step
                else:
                    await asyncio.sleep(step)
    finally:
        if closed is not None:
            closed.append(True)


def sent(*steps: bytes | float) -> list[bytes]:
    async def read() -> list[bytes]:
        return [frame async for frame in with_comments(frames(*steps), 10)]

    return VirtualTime().run(read())


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((b"a", b"b"), [b"a", b"b"]),
        ((b"a", 9.0, b"b", 9.0, b"c"), [b"a", b"b", b"c"]),
        ((12.0, b"a"), [COMMENT, b"a"]),
        ((b"a", 35.0, b"b", 12.0), [b"a", COMMENT, COMMENT, COMMENT, b"b", COMMENT]),
        ((), []),
    ],
)
def test_ten_silent_seconds_are_a_comment(steps: tuple[bytes | float, ...], expected: list[bytes]) -> None:
    assert sent(*steps) == expected


def test_an_error_comes_after_the_frames_before_it() -> None:
    async def breaks() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise ValueError("broken")

    async def read() -> list[bytes]:
        read = []
        with pytest.raises(ValueError, match="broken"):
            async for frame in with_comments(breaks(), 10):
                read.append(frame)
        return read

    assert VirtualTime().run(read()) == [b"a"]


@pytest.mark.parametrize("silent", [0.0, 25.0])
def test_a_reader_that_leaves_closes_the_frames(silent: float) -> None:
    closed: list[bool] = []

    async def leave() -> None:
        stream = with_comments(frames(b"a", silent, b"b", b"c", b"d", closed=closed), 10)
        await anext(stream)
        await anext(stream)
        await stream.aclose()

    VirtualTime().run(leave())
    assert closed == [True]


def test_a_reader_that_is_cancelled_closes_the_frames() -> None:
    closed: list[bool] = []

    async def read() -> None:
        async for _ in with_comments(frames(b"a", 100.0, closed=closed), 10):
            pass

    async def cancel() -> None:
        reading = asyncio.create_task(read())
        await asyncio.sleep(15)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    VirtualTime().run(cancel())
    assert closed == [True]
