"""Servers of the standard library that run in a thread of the test."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread until the block ends; then close the server."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def http_served(handler: type[BaseHTTPRequestHandler], **attributes: object) -> Iterator[str]:
    """Serve HTTP on loopback by a handler that has these attributes; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), attributes))
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}"
