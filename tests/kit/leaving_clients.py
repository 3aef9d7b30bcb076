"""A client that goes away before it has its answer."""

import json
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.kit.chat_endpoint import ChatEndpoint
from tests.kit.processes import Server


def assert_leaving_ends_the_call(
    server: Server, endpoint: ChatEndpoint, path: str, body: Mapping[str, object], *, accept: str = "*/*"
) -> None:
    """The client posts, waits until the endpoint, which must hang, is asked, and leaves: that call ends in a second."""
    content = json.dumps(body).encode()
    url = urlsplit(server.url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {url.hostname}\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(head.encode() + content)
        deadline = time.monotonic() + 10
        while not endpoint.asked and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        assert not endpoint.left.is_set()
    assert endpoint.left.wait(1)
    assert "Traceback" not in server.log
