"""HTTP over a bare connection: a client costs as much as a search, and would be measured with it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_MAX_HEADER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. `header_seconds` is the time until its header arrived, `seconds` until its end."""

    status: int
    header_seconds: float
    seconds: float
    body: bytes


@asynccontextmanager
async def connected(url: str, sent: bytes = b"") -> AsyncIterator[Connection]:
    """Connect to the host of a URL, and send these bytes at once."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=_MAX_HEADER_BYTES)
    try:
        writer.write(sent)
        yield reader, writer
    finally:
        writer.transport.abort()


async def replied(connection: Connection, request: bytes) -> Reply:
    """Send a request, and return the response, which has a content length or comes in chunks."""
    reader, writer = connection
    started = time.perf_counter()
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    header_seconds = time.perf_counter() - started
    lengths = [line.split(": ")[1] for line in head.splitlines() if line.startswith("content-length: ")]
    body = await reader.readexactly(int(lengths[0])) if lengths else b"".join([part async for part in _chunks(reader)])
    return Reply(int(head.split()[1]), header_seconds, time.perf_counter() - started, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


def request_bytes(method: str, path: str, **body: object) -> bytes:
    """Return a request with a JSON body."""
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def with_key(request: bytes, key: str) -> bytes:
    """Return the request with an API key."""
    line, rest = request.split(b"\r\n", 1)
    return b"\r\n".join((line, f"Authorization: Bearer {key}".encode(), rest))
