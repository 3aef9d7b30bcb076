"""The bounds of a running server, each met over a real socket."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import httpx2
import pytest

from api.guard.access import rule_of
from api.guard.door import LaterLines
from api.guard.hosts import trusted_hosts
from api.guard.keys import new_key
from api.guard.rate_limit import TokenBuckets
from api.monitoring.request_log import RequestLines, Served
from rag.settings import ServeSettings
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server, assert_json_error
from tests.kit.server_events import streamed

pytestmark = pytest.mark.alone

QUESTION = "向量数据库有哪些知名组件？"
KEYS = {name: new_key() for name in ("often", "seldom")}
DROPPED = 'zhiwen_connections_dropped_total{reason="too_many"}'
REFUSED = 'zhiwen_http_requests_total{method="POST",route="/ask",status="429"}'
TIGHT = {
    "ZHIWEN_SERVE__KEYS": f"often:ask:{KEYS['often']},seldom:ask:{KEYS['seldom']}",
    "ZHIWEN_SERVE__REQUESTS_PER_MINUTE": "30",
    "ZHIWEN_SERVE__MAX_CONCURRENT_ANSWERS": "2",
    "ZHIWEN_SERVE__MAX_WAITING_ANSWERS": "1",
    "ZHIWEN_SERVE__WAITING_TIMEOUT_SECONDS": "1",
    "ZHIWEN_SERVE__HEADER_TIMEOUT_SECONDS": "1",
    "ZHIWEN_SERVE__BODY_TIMEOUT_SECONDS": "1",
    "ZHIWEN_SERVE__READER_TIMEOUT_SECONDS": "1.5",
    "ZHIWEN_SERVE__MAX_CONNECTIONS": "16",
    "ZHIWEN_SERVE__TRUSTED_HOSTS": "127.0.0.1,*.example.com",
    "ZHIWEN_SERVE__CORS_ORIGINS": "https://intranet.example.com",
    "ZHIWEN_SERVE__DRAIN_SECONDS": "0.2",
}


@pytest.fixture(scope="module")
def tight(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("tight"))
    chat = {"ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url, "ZHIWEN_CHAT__MODEL": "slow"}
    with workspace.given(**TIGHT, **chat).serving() as server:
        # That of the command line, which may ask as often as it likes.
        token = json.loads(Path(f"{workspace.database}.owner").read_text())["token"]
        server.client.headers["X-API-Key"] = token
        yield server


@contextmanager
def connected(server: Server, sent: str = "", *, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A connection of our own, on which `sent` has been sent."""
    address = urlsplit(server.url)
    assert address.hostname
    with socket.socket() as own:
        if receive_buffer:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        own.settimeout(10)
        own.connect((address.hostname, address.port))
        own.sendall(sent.encode())
        yield own


def post(server: Server, path: str, body: str, *, length: int) -> str:
    """A request as it goes over the socket; `length` is that of the body, whether it is all there or not."""
    headers = {
        "Host": "127.0.0.1",
        "X-API-Key": server.client.headers["X-API-Key"],
        "Content-Type": "application/json",
        "Content-Length": str(length),
    }
    return "\r\n".join([f"POST {path} HTTP/1.1", *(": ".join(header) for header in headers.items()), "", body])


@contextmanager
def without_room(server: Server, chat_endpoint: OpenAIServer) -> Iterator[str]:
    """All places, and the one in the queue, are taken by questions like the one that this gives."""
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    body = json.dumps({"question": QUESTION, "stream": True})
    asking = post(server, "/ask", body, length=len(body))
    with connected(server, asking), connected(server, asking), connected(server, asking):
        while metric(server, "zhiwen_answers_waiting") < 1:
            time.sleep(0.02)
        yield asking
    while metric(server, "zhiwen_answers_under_way"):
        time.sleep(0.02)
    chat_endpoint.play(completion("Milvus [1]."))


def seconds_until_closed(own: socket.socket) -> float:
    started = time.monotonic()
    try:
        while own.recv(65536):
            continue
    except ConnectionResetError:
        pass
    return time.monotonic() - started


def metric(server: Server, name: str) -> float:
    response = server.client.get("/metrics")
    assert response.status_code == 200
    for line in response.text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    return 0.0


# What a request may be


@pytest.mark.parametrize("path", ["/search", "/ingest", "/v1/chat/completions", "/retrieval", "/mcp"])
def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(tight: Server, path: str) -> None:
    pieces = (b" " * 65536 for _ in range(5))
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    for content in (b" " * (256 * 1024 + 1), pieces):
        response = tight.client.post(path, content=content, headers=headers)
        assert response.status_code == 413
        assert "262144 bytes" in response.text
    if path not in ("/v1/chat/completions", "/retrieval"):
        assert_json_error(response, 413, "body_too_large")


def test_a_question_that_is_too_long_is_refused_before_it_is_embedded(tight: Server) -> None:
    message = assert_json_error(tight.post("/ask", question="长" * 4001), 413, "question_too_long")
    assert "4000" in message


def test_a_body_that_does_not_come_is_refused(tight: Server) -> None:
    with connected(tight, post(tight, "/search", '{"quest', length=100)) as own:
        answer = own.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 408 ")
        assert "connection: close" in answer.lower()
        assert json.loads(answer.rpartition("\r\n\r\n")[2] or own.recv(65536))["error"]["code"] == "request_timeout"
        assert seconds_until_closed(own) < 1


# How many there may be


def test_a_key_may_be_used_so_often_within_a_minute_and_others_are_not_held_up(tight: Server) -> None:
    headers = {"Authorization": f"Bearer {KEYS['often']}"}
    answers = [tight.client.get("/ingest", headers=headers) for _ in range(32)]
    assert [answer.status_code for answer in answers[:30]] == [200] * 30
    message = assert_json_error(answers[-1], 429, "too_many_requests")
    assert "often" in message
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 3
    seldom = {"Authorization": f"Bearer {KEYS['seldom']}"}
    assert tight.client.get("/ingest", headers=seldom).status_code == 200
    assert tight.client.get("/health/live", headers=headers).status_code == 200


def test_a_bucket_fills_up_evenly_and_is_never_fuller_than_full() -> None:
    now = 1000.0
    rates = TokenBuckets(60, clock=lambda: now)
    assert [rates.take("a") for _ in range(60)] == [0.0] * 60
    assert rates.take("a") == pytest.approx(1)
    assert rates.take("b") == 0
    now += 1.5
    assert [rates.take("a") for _ in range(2)] == [0.0, pytest.approx(0.5)]
    now += 10_000
    assert [rates.take("a") > 0 for _ in range(61)] == [False] * 60 + [True]


def test_refusals_are_logged_when_no_more_come_and_while_they_do_not_end() -> None:
    written: list[Served] = []
    lines = LaterLines(cast("RequestLines", SimpleNamespace(write=written.append)))
    refused = Served("POST", rule_of("POST", "/ask"), status=429, seconds=0.0)

    async def refuse(count: int) -> None:
        for _ in range(count):
            lines.write(refused)
            await asyncio.sleep(0.02)

    async def refuse_for_a_while() -> None:
        await refuse(10)
        assert written == []
        await asyncio.sleep(0.5)
        assert len(written) == 10
        await refuse(100)
        assert len(written) > 50

    asyncio.run(refuse_for_a_while())


def test_so_many_answers_at_a_time_so_many_in_the_queue_and_the_rest_at_once_told_to_come_back(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    body = {"question": QUESTION, "stream": True}
    with (
        tight.client.stream("POST", "/ask", json=body) as first,
        tight.client.stream("POST", "/ask", json=body) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        streams = streamed(first), streamed(second)
        assert [next(events).name for events in streams] == ["passages", "passages"]
        assert metric(tight, "zhiwen_answers_under_way") == 2
        waiting = pool.submit(httpx2.post, f"{tight.url}/ask", json=body, headers=tight.client.headers, trust_env=False)
        while metric(tight, "zhiwen_answers_waiting") < 1:
            time.sleep(0.02)
        started = time.monotonic()
        refused = tight.post("/search", question=QUESTION)
        assert time.monotonic() - started < 0.9, "it was put into the queue"
        assert_json_error(refused, 429, "too_many_answers")
        assert int(refused.headers["retry-after"]) >= 1
        assert_json_error(waiting.result(timeout=5), 429, "too_many_answers")
        assert tight.client.get("/status").status_code == 200
    chat_endpoint.play(completion("Milvus [1]."))
    deadline = time.monotonic() + 5
    while metric(tight, "zhiwen_answers_under_way") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert tight.post("/search", question=QUESTION).status_code == 200


def test_where_there_is_no_room_others_are_still_told_what_else_is_wrong(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    refused_before = metric(tight, REFUSED)
    with without_room(tight, chat_endpoint):
        assert_json_error(tight.client.post("/ask", json={}, headers={"X-API-Key": "zw_x"}), 401, "key_unknown")
        assert_json_error(tight.client.post("/ask", json={}, headers={"Host": "evil.org"}), 400, "untrusted_host")
        assert_json_error(tight.client.post("/ask", json={}), 429, "too_many_answers")
        assert tight.client.post("/v1/chat/completions", json={}).json()["error"]["type"] == "rate_limit_error"
        of_a_page = tight.client.post("/ask", json={}, headers={"Origin": "https://intranet.example.com"})
        assert_json_error(of_a_page, 429, "too_many_answers")
        assert of_a_page.headers["access-control-allow-origin"] == "https://intranet.example.com"
        assert tight.client.get("/status").status_code == 200
        deadline = time.monotonic() + 5
        while metric(tight, REFUSED) < refused_before + 2:
            assert time.monotonic() < deadline, "not counted"
            time.sleep(0.02)
    assert '"route": "/v1/chat/completions", "status": 429, "ms": 0.0, "key": "owner"' in tight.log


def test_a_connection_goes_on_after_a_refusal_and_ends_where_its_client_wants_that(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    live = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with without_room(tight, chat_endpoint) as asking:
        last = asking.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        with connected(tight, asking + live + asking[:-5]) as own:
            time.sleep(0.1)  # the rest of a body comes when it has been refused
            own.sendall((asking[-5:] + live + last).encode())
            answers = b"".join(iter(lambda: own.recv(65536), b"")).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"429", b"200", b"429", b"200", b"429"]
        assert [b"connection: close\r\n" in answer for answer in answers] == [False] * 4 + [True]
        for answer in answers:
            assert b"date: " in answer
            assert b"x-content-type-options: nosniff\r\n" in answer
            assert len(answer.partition(b"\r\n\r\n")[2]) == int(answer.partition(b"content-length: ")[2].split()[0])


def test_who_sends_ever_more_questions_and_reads_no_refusals_is_dropped(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    dropped = metric(tight, DROPPED)
    with without_room(tight, chat_endpoint) as asking:
        with connected(tight, receive_buffer=4096) as own:
            with suppress(ConnectionError):
                own.sendall((asking * 20_000).encode())
            refusals = b""
            with suppress(ConnectionError):
                refusals = b"".join(iter(lambda: own.recv(65536), b""))
        assert refusals.count(b"HTTP/1.1 429 ") < 5000
        assert metric(tight, DROPPED) == dropped + 1


def test_who_leaves_the_queue_makes_room_in_it(tight: Server, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    body = json.dumps({"question": QUESTION, "stream": True})
    asking = post(tight, "/ask", body, length=len(body))
    with connected(tight, asking) as first, connected(tight, asking) as second:
        assert first.recv(100).startswith(b"HTTP/1.1 200")
        assert second.recv(100).startswith(b"HTTP/1.1 200")
        with connected(tight, asking):
            while metric(tight, "zhiwen_answers_waiting") < 1:
                time.sleep(0.02)
        left = time.monotonic()
        while metric(tight, "zhiwen_answers_waiting"):
            assert time.monotonic() - left < 0.9, "until its time in the queue is over"
    while metric(tight, "zhiwen_answers_under_way"):
        assert time.monotonic() - left < 10
    chat_endpoint.play(completion("Milvus [1]."))


def test_a_question_that_is_not_all_there_takes_no_place(tight: Server) -> None:
    with ExitStack() as slow:
        for path in ("/search", "/ask", "/v1/chat/completions", "/retrieval"):
            slow.enter_context(connected(tight, post(tight, path, '{"question": "', length=100)))
        time.sleep(0.2)
        assert metric(tight, "zhiwen_answers_under_way") == 0
        assert tight.post("/search", question=QUESTION).status_code == 200


# Connections


@pytest.mark.parametrize("sent", ["", "GET /status HT", "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
def test_a_connection_without_a_whole_header_is_closed(tight: Server, sent: str) -> None:
    with connected(tight, sent) as own:
        assert 0.5 < seconds_until_closed(own) < 4


def test_a_header_that_drips_is_not_waited_for(tight: Server) -> None:
    with connected(tight, "GET /status HTTP/1.1\r\n") as own:
        started = time.monotonic()
        with pytest.raises(OSError, match=r"."):
            while time.monotonic() - started < 8:
                own.sendall(b"X: y\r\n")
                time.sleep(0.1)
        assert time.monotonic() - started < 4


def test_a_header_that_is_too_large_is_refused(tight: Server) -> None:
    with connected(tight, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X-Many: y\r\n" * 7000) as own:
        assert own.recv(100).startswith(b"HTTP/1.1 400 ")
        assert seconds_until_closed(own) < 0.5


def test_a_header_that_begins_behind_a_large_body_is_as_small_as_it_is(tight: Server) -> None:
    body = "x" * 200_000
    live = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with connected(tight, post(tight, "/nothing", body, length=len(body)) + live[:30]) as own:
        time.sleep(0.2)
        own.sendall(live[30:].encode())
        answers = b"".join(iter(lambda: own.recv(65536), b"")).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"404", b"200"]


def test_some_requests_may_be_sent_ahead_and_are_answered_in_their_order_but_not_any_number(tight: Server) -> None:
    health, unknown = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" for path in ("/health/live", "/nothing"))
    last = unknown.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    with connected(tight, health + unknown + health + last) as own:
        answers = b"".join(iter(lambda: own.recv(65536), b"")).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"401", b"200", b"401"]
    dropped = metric(tight, DROPPED)
    with connected(tight, health * 5000) as own:
        assert seconds_until_closed(own) < 2
    assert metric(tight, DROPPED) == dropped + 1


def test_a_client_that_does_not_read_is_dropped_and_its_call_to_the_model_ended(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(*(["Milvus [1].\n\n" * 2000] * 40), hangs=True))
    dropped = metric(tight, 'zhiwen_connections_dropped_total{reason="slow_reader"}')
    body = json.dumps({"question": QUESTION, "stream": True})
    with connected(tight, post(tight, "/ask", body, length=len(body)), receive_buffer=4096):
        started = time.monotonic()
        while metric(tight, 'zhiwen_connections_dropped_total{reason="slow_reader"}') == dropped:
            assert time.monotonic() - started < 10
            time.sleep(0.1)
        assert chat_endpoint.client_left.wait(2)
        assert time.monotonic() - started > 1
    assert metric(tight, "zhiwen_answers_under_way") == 0


def test_too_many_connections_cost_the_one_that_has_waited_longest(tight: Server) -> None:
    opened = []
    try:
        for _ in range(24):
            own = socket.create_connection((urlsplit(tight.url).hostname, urlsplit(tight.url).port), timeout=5)
            opened.append(own)
        assert httpx2.get(f"{tight.url}/health/live", trust_env=False).status_code == 200, "a newcomer gets in"
        assert seconds_until_closed(opened[0]) < 0.5
        opened[-1].sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert opened[-1].recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        for own in opened:
            own.close()


# Who it is meant for


@pytest.mark.parametrize("host", ["127.0.0.1:9", "kb.example.com", "KB.Example.com:443"])
def test_a_host_name_of_the_service_is_served(tight: Server, host: str) -> None:
    assert tight.client.get("/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.org", "example.com", "example.com.evil.org", "localhost", "", "[::1]:80"])
def test_another_host_name_is_refused_but_for_probes(tight: Server, host: str) -> None:
    message = assert_json_error(tight.client.get("/status", headers={"Host": host}), 400, "untrusted_host")
    assert "serve.trusted_hosts" in message
    assert tight.client.get("/health/live", headers={"Host": host}).status_code == 200


def test_on_loopback_only_its_names_are_trusted_and_elsewhere_any() -> None:
    assert set(trusted_hosts(ServeSettings())) == {"localhost", "127.0.0.1", "::1"}
    assert trusted_hosts(ServeSettings(host="0.0.0.0")) == ("*",)
    assert trusted_hosts(ServeSettings(host="0.0.0.0", trusted_hosts=("KB.example.com",))) == ("kb.example.com",)


def test_only_the_sites_that_are_named_may_call_from_their_pages(tight: Server) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = tight.client.options("/ask", headers={**asking, "Origin": "https://intranet.example.com"})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://intranet.example.com"
    refused = tight.client.get("/status", headers={"Origin": "https://intranet.example.com", "X-API-Key": ""})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://intranet.example.com", "else nobody sees why"
    for headers in ({**asking, "Origin": "https://evil.org"}, {**asking, "Origin": "null"}):
        response = tight.client.options("/ask", headers=headers)
        assert response.status_code == 400
        assert "access-control-allow-origin" not in response.headers


def test_by_default_no_other_site_may_call_and_none_may_change_anything(server: Server) -> None:
    evil = {"Origin": "https://evil.org"}
    assert "access-control-allow-origin" not in server.client.get("/status", headers=evil).headers
    assert_json_error(server.client.post("/ingest", headers=evil), 403, "foreign_origin")
    assert_json_error(server.client.post("/rollback", headers={"Origin": "null"}), 403, "foreign_origin")
    assert_json_error(server.client.get("/status", headers={"Host": "rebound.evil.org"}), 400, "untrusted_host")
    own = {"Origin": server.url}
    assert server.client.post("/search", json={"question": QUESTION}, headers=own).status_code == 200
    for name in ("localhost", "[::1]"):
        assert server.client.get("/status", headers={"Host": f"{name}:{urlsplit(server.url).port}"}).status_code == 200


# What every answer says


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/nothing", 404),
        ("/api-docs", 200),
        ("/openapi.json", 200),
        ("/", 200),
        ("/health/live", 200),
    ],
)
def test_every_answer_has_the_security_headers(server: Server, path: str, status: int) -> None:
    response = server.client.get(path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert "strict-transport-security" not in response.headers
    assert "server" not in response.headers


def test_refusals_have_the_security_headers_too(tight: Server) -> None:
    refusals = [
        tight.client.get("/status", headers={"X-API-Key": ""}),
        tight.client.get("/status", headers={"Host": "evil.org"}),
        tight.client.post("/search", content=b" " * 300_000),
    ]
    assert [response.status_code for response in refusals] == [401, 400, 413]
    for response in refusals:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
