"""Server-sent events, for every route that streams."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from rag.blocking_work import wait_undisturbed

# Without the second header, proxies such as nginx collect the answer and send it in one piece.
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_SILENCE_SECONDS = 10
_COMMENT = b": keep-alive\n\n"


def event_stream(frames: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """Return a response that sends each frame as soon as it is ready, and a comment after 10 s without one.

    Proxies cut a connection on which nothing comes, and a model may think for minutes. Clients ignore comments.
    """
    return StreamingResponse(with_comments(frames, _SILENCE_SECONDS), media_type="text/event-stream", headers=_HEADERS)


def event(name: str, data: BaseModel) -> bytes:
    """Return the frame of an event of our own API: a name and JSON."""
    return format_sse_event(event=name, data_str=data.model_dump_json())


async def with_comments(frames: AsyncGenerator[bytes, None], silence_seconds: float) -> AsyncGenerator[bytes, None]:
    """Yield the frames, and a comment whenever none comes for that long.

    The frames are closed together with this generator. Their error is raised after the frames before it.
    """
    # One task reads all of the frames, because a generator may hold what belongs to a task, such as a timeout.
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)

    is_closing = False

    async def fetch() -> None:
        try:
            async with aclosing(frames):
                async for frame in frames:
                    await queue.put(frame)
        finally:
            if not is_closing:
                await queue.put(None)

    fetching = asyncio.create_task(fetch())
    try:
        while True:
            try:
                async with asyncio.timeout(silence_seconds):
                    frame = await queue.get()
            except TimeoutError:
                yield _COMMENT
                continue
            if frame is None:
                break
            yield frame
        await fetching
    finally:
        is_closing = True
        fetching.cancel()
        await wait_undisturbed(fetching)
