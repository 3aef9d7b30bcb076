"""A client that goes away before it has its answer."""

import json
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server
from tests.kit.waiting import eventually


def assert_leaving_ends_the_call(
    server: Server, endpoint: OpenAIServer, path: str, body: Mapping[str, object], *, accept: str = "*/*"
) -> None:
    """A client posts, waits until the endpoint hangs in its answer, and leaves: the call to the endpoint ends.

    It ends long before the chat model's own timeouts, which begin at 20 s.
    """
    content = json.dumps(body).encode()
    url = urlsplit(server.url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {url.hostname}\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(head.encode() + content)
        eventually(lambda: endpoint.calls and endpoint.calls[-1].hanging.is_set())
        assert not endpoint.client_left.is_set()
    assert endpoint.client_left.wait(15), "the call goes on"
    assert "Traceback" not in server.log
