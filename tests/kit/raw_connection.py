"""Connections on which a test sends what it likes, byte by byte, and sees what comes back."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.kit.processes import Server

_TIMEOUT_SECONDS = 60
LIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""A request that a server answers whatever else it does."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def connected(server: Server, sent: bytes = b"", *, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A connection on which `sent` has been sent. With a small receive buffer, little arrives before it is read."""
    address = urlsplit(server.url)
    with socket.socket() as own:
        if receive_buffer:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        own.settimeout(_TIMEOUT_SECONDS)
        own.connect((address.hostname, address.port))
        own.sendall(sent)
        yield own


def post(path: str, body: object, *, headers: Mapping[str, str] = {}) -> bytes:
    """A POST request with a JSON body, as it goes over the wire."""
    content = json.dumps(body).encode()
    return post_head(path, len(content), headers=headers) + content


def post_head(path: str, length: int, *, headers: Mapping[str, str] = {}) -> bytes:
    """The head of a POST request with a JSON body of `length` bytes."""
    all_headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(length), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def read_response(own: socket.socket) -> Response:
    """The next response, which has a content length. Raises EOFError if the connection ends before it is complete."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _received(own, 1)
    lines = received.decode().lower().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    length = int(headers["content-length"])
    body = b""
    while len(body) < length:
        body += _received(own, length - len(body))
    return Response(int(lines[0].split()[1]), headers, body)


def read_until_closed(own: socket.socket) -> bytes:
    """Everything that comes until the server closes or resets the connection."""
    received = bytearray()
    try:
        while piece := own.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return bytes(received)


def _received(own: socket.socket, at_most: int) -> bytes:
    piece = own.recv(at_most)
    if not piece:
        raise EOFError("the connection was closed")
    return piece
