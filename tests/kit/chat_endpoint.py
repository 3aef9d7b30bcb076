"""A chat model's HTTP endpoint that plays a script, on a real socket."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Script:
    """What the next request gets. `breaks_off`: the connection ends without a last chunk; `hangs`: it never does.

    `thoughts` come before the pieces, and `pause_seconds` before each piece; after `holds_after` the rest waits until
    the endpoint may `proceed`. `tokens` of prompt and completion are told at the end.
    """

    pieces: tuple[str, ...] = ()
    status: int = 200
    breaks_off: bool = False
    hangs: bool = False
    finish_reason: str = "stop"
    thoughts: tuple[str, ...] = ()
    pause_seconds: float = 0.0
    holds_after: int = 0
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    path: str
    authorization: str
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """What the user message said."""
        [message] = [message for message in self.body["messages"] if message["role"] == "user"]
        return str(message["content"])


class ChatEndpoint:
    """An OpenAI-compatible endpoint. `script` is played to every request; `asked` keeps the requests."""

    def __init__(self) -> None:
        self.script = Script()
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.left = threading.Event()
        """Set once a client has gone before it had everything."""
        self.proceed = threading.Event()
        self.begun: list[float] = []
        """When each answer began, in seconds since the epoch."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def plays(self, *pieces: str, **script: Any) -> None:
        """The pieces, and the other fields of `Script`."""
        self.script = Script(pieces, **script)
        self.asked.clear()
        self.begun.clear()
        self.proceed.clear()
        self.left.clear()

    @contextmanager
    def running(self) -> Iterator["ChatEndpoint"]:
        self._thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        class Handler(_Handler):
            endpoint = self

        return Handler


class _Handler(BaseHTTPRequestHandler):
    endpoint: ClassVar[ChatEndpoint]

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        if len(content) < int(self.headers["content-length"]):
            return  # the client is gone already
        body = json.loads(content)
        self.endpoint.asked.append(Asked(self.path, self.headers.get("authorization", ""), body))
        script = self.endpoint.script
        self.close_connection = True
        if script.status != 200:
            self._answer(script.status, "application/json", b'{"error": {"message": "scripted"}}')
            return
        self._answer(200, "text/event-stream", b"")
        try:
            for thought in script.thoughts:
                self._send({"reasoning_content": thought}, None)
            for position, piece in enumerate(script.pieces):
                time.sleep(script.pause_seconds)
                if script.holds_after and position == script.holds_after:
                    self.endpoint.proceed.wait(30)
                if position == 0:
                    self.endpoint.begun.append(time.time())
                self._send({"content": piece}, None)
            if script.hangs:
                self._hang()
            elif not script.breaks_off:
                self._send({}, script.finish_reason)
                if script.tokens:
                    self._send_chunk([], dict(zip(("prompt_tokens", "completion_tokens"), script.tokens, strict=True)))
                self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.endpoint.left.set()

    def _answer(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _hang(self) -> None:
        self.connection.settimeout(0.05)
        while not self.endpoint.closing.is_set():
            try:
                if not self.connection.recv(1):
                    self.endpoint.left.set()
                    return
            except TimeoutError:
                continue

    def _send(self, delta: dict[str, str], finish_reason: str | None) -> None:
        self._send_chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def _send_chunk(self, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> None:
        chunk: dict[str, Any] = {
            "id": "scripted",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "scripted",
            "choices": choices,
        }
        if usage:
            chunk["usage"] = usage | {"total_tokens": sum(usage.values())}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        return
