"""A server with more clients than it serves: it answers as many as it may, rejects the others, and does not grow."""

import json
import os
import selectors
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server
from tests.kit.raw_connection import Response, connected, post, post_head, read_response
from tests.kit.tight_server import QUESTION, queued, running
from tests.kit.waiting import eventually

RUNNING, QUEUED = 8, 8
QUESTIONS = 1000
ROUNDS = 5
HALF_OPEN, NOT_READING = 1000, 200
LARGE = "/api-docs/assets/swagger-ui-bundle.js"
_LONGEST_SILENCE_SECONDS = 60


@pytest.fixture(scope="module")
def loaded(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("loaded"))
    settings = {
        "ZHIWEN_SERVE__MAX_CONCURRENT_ANSWERS": str(RUNNING),
        "ZHIWEN_SERVE__MAX_WAITING_ANSWERS": str(QUEUED),
        "ZHIWEN_SERVE__WAITING_TIMEOUT_SECONDS": "300",
        "ZHIWEN_SERVE__BODY_TIMEOUT_SECONDS": "300",
        "ZHIWEN_SERVE__READER_TIMEOUT_SECONDS": "300",
        "ZHIWEN_SERVE__DRAIN_SECONDS": "0.2",
        "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
        "ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url,
        "ZHIWEN_CHAT__MODEL": "scripted",
        "ZHIWEN_CHAT__IDLE_TIMEOUT_SECONDS": "300",
        "ZHIWEN_CHAT__TOTAL_TIMEOUT_SECONDS": "600",
    }
    with workspace.given(**settings).serving() as server:
        yield server


def resident_megabytes(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def responses_to(server: Server, sent: bytes, *, count: int) -> Iterator[Response]:
    """The responses to so many requests at once, each on a connection of its own, as they begin to arrive."""
    address = urlsplit(server.url)
    with ExitStack() as clients, selectors.DefaultSelector() as selector:
        for _ in range(count):
            own = clients.enter_context(socket.create_connection((address.hostname, address.port)))
            own.settimeout(_LONGEST_SILENCE_SECONDS)
            selector.register(own, selectors.EVENT_READ)
        for key in selector.get_map().values():
            os.write(key.fd, sent)
        while selector.get_map():
            ready = selector.select(_LONGEST_SILENCE_SECONDS)
            assert ready, f"{len(selector.get_map())} clients hang"
            for key, _ in ready:
                selector.unregister(key.fileobj)
                assert isinstance(key.fileobj, socket.socket)
                yield read_response(key.fileobj)


def test_of_a_thousand_questions_at_once_some_run_some_queue_and_all_others_get_429_while_memory_stays_flat(
    loaded: Server, chat_endpoint: OpenAIServer
) -> None:
    asking = post("/ask", {"question": QUESTION})
    sizes = []
    for _ in range(ROUNDS):
        chat_endpoint.play(completion("Milvus [1]", " is one [1].", holds_after=1))
        responses = responses_to(loaded, asking, count=QUESTIONS)
        rejected = list(islice(responses, QUESTIONS - RUNNING - QUEUED))
        assert Counter(response.status for response in rejected) == {429: len(rejected)}
        for response in rejected:
            assert json.loads(response.body)["error"]["code"] == "too_many_answers"
            assert int(response.headers["retry-after"]) >= 1
        chat_endpoint.proceed.set()
        assert [response.status for response in responses] == [200] * (RUNNING + QUEUED)
        eventually(lambda: (running(loaded), queued(loaded)) == (0, 0))
        sizes.append(resident_megabytes(loaded))
    print("resident megabytes after each round:", [round(size) for size in sizes])
    assert sizes[-1] - sizes[0] < 20


def test_searches_are_answered_beside_a_thousand_half_open_connections_and_clients_that_do_not_read(
    loaded: Server,
) -> None:
    halves = (b"", b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow", post_head("/ask", 100) + b"{")
    large = f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with ExitStack() as clients:
        for number in range(HALF_OPEN):
            clients.enter_context(connected(loaded, halves[number % len(halves)]))
        for _ in range(NOT_READING):
            clients.enter_context(connected(loaded, large, receive_buffer=4096))
        statuses = [loaded.post("/search", question=QUESTION).status_code for _ in range(20)]
    assert statuses == [200] * 20
