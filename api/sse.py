"""Server-sent events, for every route that streams."""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

# Without the second header, proxies such as nginx collect the answer and send it in one piece.
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event_stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """Return a response that sends each frame as soon as it is ready."""
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


def event(name: str, data: BaseModel) -> bytes:
    """Return the frame of an event of our own API: a name and JSON."""
    return format_sse_event(event=name, data_str=data.model_dump_json())
