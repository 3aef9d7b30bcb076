"""A chat model's HTTP endpoint on a real socket that fails in any way a script says, byte by byte."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass
class Call:
    """One request as the server saw it, and the means to answer it byte by byte."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: socket.socket
    released: threading.Event
    gone: threading.Event = field(default_factory=threading.Event)
    """Set once the client has closed the connection."""

    def head(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {content_type}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode())

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def part(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, payload: object) -> None:
        self.part(sse(payload))

    def say(self, text: str) -> None:
        self.event(chunk(text))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def whole(self, status: int, payload: object, content_type: str = "application/json", **headers: str) -> None:
        self.head(status, content_type, **headers)
        self.part(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        self.end()

    def hang(self) -> None:
        """Say nothing more until the client has gone or the test is over."""
        self.connection.settimeout(0.05)
        while not self.released.is_set():
            try:
                if not self.connection.recv(1):
                    self.gone.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.gone.set()
                return

    def reset(self) -> None:
        """Break the connection without a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()


Script = Callable[[Call], None]


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answers the first request by the first script, and so on; further requests by the last."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.calls: list[Call] = []
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast(ScriptedServer, self.server)
        request = self.rfile.readline().decode()
        if not request:
            return  # the client has gone before it asked
        path = request.split(" ")[1]
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        call = Call(path, headers, body, self.connection, server.released)
        server.calls.append(call)
        try:
            server.scripts[min(len(server.calls), len(server.scripts)) - 1](call)
        except OSError:
            call.gone.set()


def sse(payload: object) -> bytes:
    return f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()


def chunk(text: str | None = None, finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def answers(*texts: str) -> Script:
    """A well-formed stream."""

    def script(call: Call) -> None:
        call.head()
        call.event(chunk(None) | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for text in texts:
            call.say(text)
        call.event(chunk(finish_reason="stop"))
        call.event("[DONE]")
        call.end()

    return script


def says(*payloads: object) -> Script:
    """A stream of these events, ended properly."""

    def script(call: Call) -> None:
        call.head()
        for payload in payloads:
            call.event(payload)
        call.end()

    return script


def refuses(status: int, payload: object = None, **headers: str) -> Script:
    return lambda call: call.whole(status, payload or {"error": {"message": "refused"}}, **headers)


@contextmanager
def running_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()
