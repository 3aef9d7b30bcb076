"""How a server ends while it is asked: what is under way, what comes too late, and what takes too long."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.server_events import streamed

pytestmark = pytest.mark.alone

QUESTION = "向量数据库有哪些知名组件？"


@pytest.fixture(params=[1.5])
def chatting(workspace: Workspace, chat_endpoint: OpenAIServer, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that writes as slowly as the script of its chat model wants, and drains for so many seconds."""
    slow = {"ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url, "ZHIWEN_CHAT__MODEL": "slow"}
    server = Server.start(workspace.given(**slow, ZHIWEN_SERVE__DRAIN_SECONDS=str(request.param)))
    try:
        yield server
    finally:
        server.kill()


def refused_while_stopping(server: Server) -> httpx2.Response:
    """The first answer to a new client that is not an answer of a server that goes on."""
    deadline = time.monotonic() + 2
    while True:
        with httpx2.Client(base_url=server.url, trust_env=False) as client:
            response = client.post("/search", json={"question": QUESTION})
        if response.status_code != 200 or time.monotonic() > deadline:
            return response


def streamed_completion(server: Server) -> list[str]:
    """The lines that an OpenAI client gets."""
    messages = [{"role": "user", "content": "视觉大模型都有哪些？"}]
    response = httpx2.post(
        f"{server.url}/v1/chat/completions",
        json={"model": "zhiwen", "messages": messages, "stream": True},
        timeout=30,
        trust_env=False,
    )
    return [line for line in response.text.splitlines() if line]


def test_what_takes_too_long_is_closed_with_an_event_and_what_comes_too_late_is_refused(
    chatting: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1] is", " one", hangs=True))
    with ThreadPoolExecutor(2) as pool:
        with chatting.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
            events = streamed(response)
            assert [next(events).name, next(events).name] == ["passages", "delta"]
            whole = pool.submit(httpx2.post, f"{chatting.url}/ask", json={"question": QUESTION}, trust_env=False)
            completed = pool.submit(streamed_completion, chatting)
            while len(chat_endpoint.calls) < 3:
                time.sleep(0.02)
            started = time.monotonic()
            chatting.signal(signal.SIGTERM)

            late = refused_while_stopping(chatting)
            assert_json_error(late, 503, "stopping")
            assert late.headers["connection"] == "close"
            assert late.headers["retry-after"] == "1"
            assert httpx2.get(f"{chatting.url}/health/nothing", trust_env=False).status_code == 404

            *deltas, last = events
        assert {event.name for event in deltas} <= {"delta"}
        assert last.name == "error"
        assert list(last.data) == ["code", "message"]
        assert last.data["code"] == "stopping"
        assert_json_error(whole.result(timeout=5), 503, "stopping")
        error = json.loads(completed.result(timeout=5)[-1].removeprefix("data: "))["error"]
        assert (error["code"], error["type"]) == ("stopping", "server_error")
    assert chatting.process.wait(timeout=10) == 0
    assert 1.4 < time.monotonic() - started < 10
    assert chat_endpoint.client_left.wait(1), "the call to the chat model goes on"
    assert "Traceback" not in chatting.log
    assert not chatting.remains


@pytest.mark.parametrize("chatting", [30], indirect=True)
def test_an_answer_that_is_written_in_time_is_whole_and_the_server_ends_with_it(
    chatting: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus", " and", " PingCAP [1].", pause_seconds=0.4))
    with chatting.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
        events = streamed(response)
        assert next(events).name == "passages"
        chatting.signal(signal.SIGTERM)
        started = time.monotonic()
        rest = list(events)
    assert rest[-1].name == "answer"
    assert rest[-1].data["answer"] == "Milvus and PingCAP [1]."
    assert chatting.process.wait(timeout=10) == 0
    assert time.monotonic() - started < 15, "it waited for nothing"


@pytest.mark.parametrize("chatting", [0.5], indirect=True)
def test_a_client_that_does_not_read_does_not_keep_the_server(chatting: Server, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(*(["Milvus [1].\n\n" * 2000] * 40), hangs=True))
    with chatting.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
        assert response.status_code == 200
        time.sleep(1)
        started = time.monotonic()
        chatting.signal(signal.SIGTERM)
        assert chatting.process.wait(timeout=12) == 0
        assert time.monotonic() - started < 10
    assert "Traceback" not in chatting.log
