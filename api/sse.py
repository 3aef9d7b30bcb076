"""Server-sent events: one way to frame and send them, for every route that streams."""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

# Proxies such as nginx would collect the pieces of an answer and send them all at once.
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event_stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """Send the frames as they come."""
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


def event(name: str, data: BaseModel) -> bytes:
    """Frame an event of our own API: a name and JSON."""
    return format_sse_event(event=name, data_str=data.model_dump_json())
