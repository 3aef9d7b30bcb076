"""An HTTP server on loopback that does what a script says, also what servers should not do."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Reply:
    def __init__(self, status: int, body: object, *, drips: bool = False, **headers: str) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.drips = drips
        self.headers = headers


Script = Reply | Callable[[dict[str, object]], Reply] | None
"""A reply, or what makes one of a request; None is a server that hangs."""


class Endpoint(ThreadingHTTPServer):
    """Answers with the replies of a script, the last one for ever."""

    def __init__(self, *script: Script) -> None:
        super().__init__(("127.0.0.1", 0), EndpointHandler)
        self.script = list(script)
        self.requests: list[dict[str, object]] = []
        self.authorizations: list[str | None] = []
        self.paths: list[str] = []
        self.has_lost_a_client = threading.Event()
        self.is_over = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class EndpointHandler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"  # connections stay open

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.authorizations.append(self.headers["Authorization"])
        self.server.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        reply = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        if callable(reply):
            reply = reply(self.server.requests[-1])
        if reply is None:
            self.server.is_over.wait(20)
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header(*("Connection", "close") if reply.drips else ("Content-Length", str(len(reply.body))))
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(reply.body)
            while reply.drips and not self.server.is_over.wait(0.05):
                self.wfile.write(b" ")

    def finish(self) -> None:
        super().finish()
        self.server.has_lost_a_client.set()

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def serving(*script: Script) -> Iterator[Endpoint]:
    with Endpoint(*script) as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.is_over.set()
            endpoint.shutdown()
            thread.join()
