"""Server-sent events as a client reads them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.kit.processes import Server


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event."""

    name: str
    data: Any


def streamed(response: httpx2.Response) -> Iterator[ServerEvent]:
    """The server-sent events of a streaming response, as they come."""
    name = ""
    data: list[str] = []
    for line in response.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").strip())
        elif not line and data:
            yield ServerEvent(name, json.loads("\n".join(data)))
            name, data = "", []


def streamed_answer(server: Server, question: str, **body: object) -> Sequence[ServerEvent]:
    with server.client.stream("POST", "/ask", json={"question": question, "stream": True, **body}) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(streamed(response))
