"""The one OpenAI-compatible server of the tests: it plays scripts, over real sockets.

A script is a function that gets a `Call` and answers it, properly or in any way in which real servers fail. The usual
scripts are in `tests.kit.openai_scripts`; a test writes the others itself.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from tests.kit.threaded_server import served


@dataclass(eq=False)
class Call:
    """One request as it arrived, and the means to answer it byte by byte. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: socket.socket
    server: "OpenAIServer"
    hanging: threading.Event = field(default_factory=threading.Event)
    """Set when `hang` has begun."""
    client_left: threading.Event = field(default_factory=threading.Event)
    """Set when the client has closed the connection before the answer was complete."""
    keeps_connection: bool = False

    @property
    def prompt(self) -> str:
        """The content of the only user message."""
        [message] = [message for message in self.body["messages"] if message["role"] == "user"]
        return str(message["content"])

    def reply(self, status: int, payload: object, content_type: str = "application/json", **headers: str) -> None:
        """Answer in one piece: bytes as they are, anything else as JSON. The connection stays open."""
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._send_head(status, content_type, headers | {"Content-Length": str(len(content))})
        self.raw(content)
        self.keeps_connection = True

    def head(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        """Begin an answer whose body comes in parts and is ended by `end`."""
        self._send_head(status, content_type, headers | {"Connection": "close", "Transfer-Encoding": "chunked"})

    def part(self, data: bytes) -> None:
        """One part of the body, in the framing of HTTP."""
        self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, payload: object) -> None:
        """One server-sent event."""
        self.part(sse(payload))

    def say(self, text: str) -> None:
        """A piece of the answer's text."""
        self.event(chunk(text))

    def end(self) -> None:
        """The proper end of a body that came in parts."""
        self.raw(b"0\r\n\r\n")

    def raw(self, data: bytes) -> None:
        """Bytes without any framing."""
        self.connection.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a part again and again, a little time after each other, until the client leaves or the test is over."""
        while not self.server.closing.wait(0.05):
            self.part(data)

    def hang(self) -> None:
        """Say nothing more until the client leaves or the test is over."""
        self.hanging.set()
        self.connection.settimeout(0.05)
        while not self.server.closing.is_set():
            try:
                if not self.connection.recv(1):
                    raise ConnectionError("the client has left")
            except TimeoutError:
                continue

    def reset(self) -> None:
        """Break the connection without a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()

    def _send_head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.raw("\r\n".join([*lines, "", ""]).encode())


Script = Callable[[Call], None]


def chunk(
    text: str | None = None, *, reasoning: str | None = None, finish_reason: str | None = None, **fields: Any
) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    delta = {"content": text, "reasoning_content": reasoning}
    delta = {name: value for name, value in delta.items() if value is not None}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def sse(payload: object) -> bytes:
    """A server-sent event: text as it is, anything else as JSON."""
    return f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()


class OpenAIServer(ThreadingHTTPServer):
    """Answers any POST by its scripts and keeps what it was asked in `calls`."""

    request_queue_size = 128

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.closing = threading.Event()
        """Set when the test is over."""
        self.connections = 0
        """How many are open now."""
        self._lock = threading.Lock()
        self.play(lambda call: call.reply(500, {"error": {"message": "no script"}}))

    @property
    def base_url(self) -> str:
        """To be configured in the client, with the `/v1`."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def play(self, *scripts: Script) -> None:
        """Answer the next request by the first script, and so on; further requests by the last. Forgets old calls."""
        with self._lock:
            self._scripts = scripts
            self.calls: list[Call] = []
            self.client_left = threading.Event()
            """Set when a client has left before its answer was complete."""
            self.proceed = threading.Event()
            """Set by the test to let answers go on that are held."""

    def answer_call(self, call: Call) -> None:
        """Run the script whose turn it is."""
        with self._lock:
            self.calls.append(call)
            script = self._scripts[min(len(self.calls), len(self._scripts)) - 1]
            left = self.client_left
        try:
            script(call)
        except OSError:
            call.client_left.set()
            left.set()

    def count_connection(self, change: int) -> None:
        """Note that a connection was opened (1) or closed (-1)."""
        with self._lock:
            self.connections += change


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._server.count_connection(1)

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        content = self.rfile.read(length)
        self.close_connection = True
        if len(content) == length:  # or the client has left already
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.path, headers, json.loads(content), self.connection, self._server)
            self._server.answer_call(call)
            self.close_connection = not call.keeps_connection

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self._server.count_connection(-1)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        return

    @property
    def _server(self) -> OpenAIServer:
        return cast(OpenAIServer, self.server)


@contextmanager
def openai_server(*scripts: Script, host: str = "127.0.0.1") -> Iterator[OpenAIServer]:
    """A running server that plays these scripts."""
    server = OpenAIServer(host)
    with served(server):
        if scripts:
            server.play(*scripts)
        try:
            yield server
        finally:
            server.closing.set()
            server.proceed.set()
