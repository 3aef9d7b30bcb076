"""Connections: how many there may be, how long they may wait, how large a header is, and clients that do not read."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.guard.reader_timeout import ReaderTimeoutMiddleware
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server
from tests.kit.raw_connection import LIVE, connected, post_head, read_response, read_until_closed
from tests.kit.tight_server import key_header, question, running
from tests.kit.virtual_time import VirtualTime
from tests.kit.waiting import eventually

LARGE = "/api-docs/assets/swagger-ui-bundle.js"
MAX_CONNECTIONS = 16
CLOSE = b"\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def narrow(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes few connections and closes idle ones soon."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("narrow"))
    limits = {
        "ZHIWEN_SERVE__MAX_CONNECTIONS": str(MAX_CONNECTIONS),
        "ZHIWEN_SERVE__HEADER_TIMEOUT_SECONDS": "1",
    }
    with workspace.given(**limits).serving() as server:
        yield server


def test_requests_beyond_the_number_of_connections_get_503_and_the_others_do_not(narrow: Server) -> None:
    def status() -> int:
        """Of a request on a connection of its own."""
        return httpx2.get(f"{narrow.url}/health/live", trust_env=False).status_code

    with ExitStack() as idle:
        for _ in range(MAX_CONNECTIONS - 1):
            idle.enter_context(connected(narrow))
        eventually(lambda: status() == 200)
        idle.enter_context(connected(narrow))
        eventually(lambda: status() == 503)
        with connected(narrow, LIVE) as own:
            refused = read_response(own)
        assert (refused.status, refused.body) == (503, b"Service Unavailable"), "uvicorn's own words"
        assert refused.headers["connection"] == "close"
    eventually(lambda: status() == 200)


def test_a_connection_without_another_request_is_closed(narrow: Server) -> None:
    with connected(narrow, LIVE) as own:
        assert read_response(own).status == 200
        assert read_until_closed(own) == b""


def test_a_header_that_is_too_large_is_refused(tight: Server) -> None:
    with connected(tight, b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Many: y\r\n" * 7000) as own:
        assert read_until_closed(own).startswith(b"HTTP/1.1 400 ")


def test_a_large_body_does_not_count_for_the_header_behind_it(tight: Server) -> None:
    body = b"x" * 200_000
    live = LIVE.replace(b"\r\n\r\n", CLOSE)
    with connected(tight, post_head("/nothing", len(body), headers=key_header(tight)) + body + live[:30]) as own:
        assert read_response(own).status == 404
        own.sendall(live[30:])
        assert read_response(own).status == 200


def test_requests_that_are_sent_ahead_are_answered_in_their_order(tight: Server) -> None:
    unknown = b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connected(tight, LIVE + unknown + LIVE + unknown.replace(b"\r\n\r\n", CLOSE)) as own:
        assert [read_response(own).status for _ in range(4)] == [200, 401, 200, 401]
        assert read_until_closed(own) == b""


# Clients that do not read


def test_a_client_that_does_not_read_loses_its_stream_and_the_call_to_the_model_ends(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(*(["Milvus [1].\n\n" * 2000] * 40), hangs=True))
    with connected(tight, question(tight), receive_buffer=4096):
        eventually(chat_endpoint.client_left.is_set)
        eventually(lambda: not running(tight))
    assert "Traceback" not in tight.log


def test_a_client_that_does_not_read_gets_part_of_a_large_file(tight: Server) -> None:
    size = len(tight.client.get(LARGE).content)
    asking = f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with connected(tight, asking, receive_buffer=4096) as own:
        eventually(lambda: f"{LARGE}: the client stopped reading" in tight.log)
        assert len(read_until_closed(own)) < size
    assert "Traceback" not in tight.log


def test_an_application_ends_when_the_client_has_read_nothing_for_the_whole_timeout() -> None:
    sent, ends = [], []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.TaskGroup() as group:  # as Starlette streams
                group.create_task(send({"type": "http.response.start", "status": 200}))
                await asyncio.sleep(3600)
        finally:
            ends.append(clock.passed)

    async def blocked(message: Message) -> None:
        sent.append(message)
        await asyncio.sleep(7200)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    clock = VirtualTime()
    scope = {"type": "http", "method": "GET", "path": "/large"}
    clock.run(ReaderTimeoutMiddleware(application, timeout_seconds=30)(scope, receive, blocked))
    assert ends == [30]
    assert len(sent) == 1


def test_an_error_of_the_application_is_not_taken_for_a_client_that_does_not_read() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a bug")

    async def nothing(*_: object) -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(RuntimeError, match="a bug"):
        asyncio.run(ReaderTimeoutMiddleware(application, timeout_seconds=30)({"type": "http"}, nothing, nothing))
