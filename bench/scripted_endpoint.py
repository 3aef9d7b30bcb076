"""An OpenAI-compatible chat endpoint that quotes the first passage, at the pace of a real model: `python -m
bench.scripted_endpoint`. Prints its base URL.

It is a process of its own, so that what it does is not taken for the work of the service that is measured.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

FIRST_TOKEN_SECONDS = 0.2
TOKEN_SECONDS = 0.01
_MAX_CHARACTERS = 400
_PASSAGE = re.compile(r'<passage number="1"[^>]*>\n(.*?)\n</passage>', re.DOTALL)
_PIECE = re.compile(r"[A-Za-z]+\s?|.", re.DOTALL)


def main() -> None:
    app = Starlette(routes=[Route("/v1/chat/completions", _complete, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


async def _complete(request: Request) -> StreamingResponse:
    messages = (await request.json())["messages"]
    passage = _PASSAGE.search(messages[-1]["content"])
    text = " ".join(passage[1].split())[:_MAX_CHARACTERS] if passage else "ok"
    return StreamingResponse(_chunks(f"{text} [1]"), media_type="text/event-stream")


async def _chunks(text: str) -> AsyncIterator[bytes]:
    await asyncio.sleep(FIRST_TOKEN_SECONDS)
    for piece in _PIECE.findall(text):
        yield _chunk({"content": piece})
        await asyncio.sleep(TOKEN_SECONDS)
    yield _chunk({}, "stop")
    yield b"data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    body = {"id": "1", "model": "scripted", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


if __name__ == "__main__":
    main()
