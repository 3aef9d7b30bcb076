"""A server under more clients than it serves: the others notice little, and it stays as large as it was."""

import asyncio
import json
import os
import selectors
import socket
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server

pytestmark = pytest.mark.alone

QUESTION = "向量数据库有哪些知名组件？"
PLACES, QUEUE = 8, 8
QUESTIONS = 1000
ROUNDS = 10
LARGE = "/api-docs/assets/swagger-ui-bundle.js"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    seconds: float


@pytest.fixture(scope="module")
def loaded(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("loaded"))
    limits = {
        "ZHIWEN_SERVE__MAX_CONCURRENT_ANSWERS": str(PLACES),
        "ZHIWEN_SERVE__MAX_WAITING_ANSWERS": str(QUEUE),
        "ZHIWEN_SERVE__WAITING_TIMEOUT_SECONDS": "60",
        "ZHIWEN_SERVE__HEADER_TIMEOUT_SECONDS": "60",
        "ZHIWEN_SERVE__DRAIN_SECONDS": "0.2",
        "ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url,
        "ZHIWEN_CHAT__MODEL": "slow",
    }
    with workspace.given(**limits).serving() as server:
        yield server


@asynccontextmanager
async def connected(
    server: Server, sent: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(sent)
        yield reader, writer
    finally:
        writer.transport.abort()


def request(method: str, path: str, **body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def replied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Reply:
    """What comes back for a request, its body read."""
    started = time.monotonic()
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    seconds = time.monotonic() - started
    length = next((line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length:")), "0")
    await reader.readexactly(int(length))
    return Reply(int(head.split()[1]), seconds)


async def searches(server: Server, count: int) -> list[float]:
    """How long so many searches take, one after the other, as other clients make them."""
    async with connected(server) as (reader, writer):
        replies = [await replied(reader, writer, request("POST", "/search", question=QUESTION)) for _ in range(count)]
    assert {reply.status for reply in replies} == {200}
    return [reply.seconds for reply in replies]


def p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def resident_megabytes(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def wait_until_idle(server: Server) -> None:
    """Until those who asked before are gone for the server, too."""
    deadline = time.monotonic() + 10
    while "\nzhiwen_answers_under_way 0.0\n" not in server.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_half_open_connections_and_slow_readers_hardly_slow_the_others_down(loaded: Server) -> None:
    async def measured() -> float:
        await searches(loaded, 20)
        before = p95(await searches(loaded, 80))
        async with AsyncExitStack() as attackers:
            halves = (
                b"",
                b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow",
                request("POST", "/ask", question="x")[:-1],
            )
            for number in range(1000):
                await attackers.enter_async_context(connected(loaded, halves[number % 3]))
            for _ in range(200):
                reader, _writer = await attackers.enter_async_context(connected(loaded, request("GET", LARGE)))
                reader._transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(1)
            during = p95(await searches(loaded, 80))
            held = loaded.client.get("/metrics").text.partition("\nzhiwen_connections ")[2]
            assert float(held.splitlines()[0]) > 1200
        print(f"p95 of a search: {before * 1000:.1f} ms, with the others {during * 1000:.1f} ms")
        return during / before

    # Whatever else the machine does between the two must not fail the test.
    assert any(asyncio.run(measured()) < 2 for _ in range(3))


def test_of_a_thousand_questions_in_one_instant_so_many_are_answered_and_the_rest_refused_within_a_tenth_of_a_second(
    loaded: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    sizes, slowest = [], []
    for _ in range(ROUNDS):
        wait_until_idle(loaded)
        replies = asked_in_one_instant(loaded, request("POST", "/ask", question=QUESTION, stream=True))
        assert Counter(reply.status for reply in replies) == {200: PLACES, 429: QUESTIONS - PLACES - QUEUE}
        sizes.append(resident_megabytes(loaded))
        slowest.append(max(reply.seconds for reply in replies if reply.status == 429))
        print(f"the last 429 after {slowest[-1] * 1000:.0f} ms; {sizes[-1]:.0f} MB")
        if len(slowest) > 1 and min(slowest) < 0.1:
            break
    # Whatever else the machine does in one of the rounds must not fail the test.
    assert min(slowest) < 0.1
    assert sizes[-1] - sizes[0] < 20


def asked_in_one_instant(server: Server, sent: bytes) -> list[Reply]:
    """What comes back for QUESTIONS requests on as many connections, but for those that wait in the queue.

    Each is timed from its own sending. One thread does it all: a task for each would take longer than the server does.
    """
    address = urlsplit(server.url)
    with ExitStack() as clients, selectors.DefaultSelector() as selector:
        for _ in range(QUESTIONS):
            own = clients.enter_context(socket.create_connection((address.hostname, address.port)))
            selector.register(own, selectors.EVENT_READ)
        time.sleep(0.2)  # until the server has taken them all
        started = {}
        for own in selector.get_map().values():
            started[own.fd] = time.monotonic()
            os.write(own.fd, sent)
        replies: list[Reply] = []
        deadline = time.monotonic() + 20
        while len(replies) < QUESTIONS - QUEUE and time.monotonic() < deadline:
            for key, _events in selector.select(0.1):
                head = os.read(key.fd, 4096)
                replies.append(Reply(int(head[9:12]), time.monotonic() - started[key.fd]))
                selector.unregister(key.fileobj)
        return replies
