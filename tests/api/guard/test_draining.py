"""How a server ends while it has requests: running ones, late ones, and those that take too long."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.raw_connection import connected, post
from tests.kit.server_events import streamed
from tests.kit.tight_server import QUESTION
from tests.kit.waiting import eventually

LONG = 600
"""Longer than any test waits: a server that ends sooner has not waited for it."""


@pytest.fixture(params=[5])
def chatting(workspace: Workspace, chat_endpoint: OpenAIServer, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server whose answers take as long as the script of its chat model, and that drains for so many seconds."""
    settings = {
        "ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url,
        "ZHIWEN_CHAT__MODEL": "scripted",
        "ZHIWEN_SERVE__READER_TIMEOUT_SECONDS": str(LONG),
        "ZHIWEN_SERVE__DRAIN_SECONDS": str(request.param),
    }
    server = Server.start(workspace.given(**settings))
    try:
        yield server
    finally:
        server.kill()


def refused_while_stopping(server: Server) -> httpx2.Response:
    """The first response to a new client that a server gives once it is stopping."""

    def refused() -> httpx2.Response | None:
        response = httpx2.post(f"{server.url}/search", json={"question": QUESTION}, trust_env=False)
        return None if response.status_code == 200 else response

    response = eventually(refused)
    assert response
    return response


def streamed_completion(server: Server) -> list[str]:
    """The lines that an OpenAI client gets."""
    messages = [{"role": "user", "content": "视觉大模型都有哪些？"}]
    response = httpx2.post(
        f"{server.url}/v1/chat/completions",
        json={"model": "zhiwen", "messages": messages, "stream": True},
        timeout=60,
        trust_env=False,
    )
    return [line for line in response.text.splitlines() if line]


def test_late_requests_are_refused_and_streams_that_take_too_long_end_with_an_event(
    chatting: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1] is", " one", hangs=True))
    with ThreadPoolExecutor(2) as pool:
        with chatting.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
            events = streamed(response)
            assert [next(events).name, next(events).name] == ["passages", "delta"]
            body = {"question": QUESTION}
            whole = pool.submit(httpx2.post, f"{chatting.url}/ask", json=body, trust_env=False, timeout=60)
            completed = pool.submit(streamed_completion, chatting)
            eventually(lambda: len(chat_endpoint.calls) == 3)
            chatting.signal(signal.SIGTERM)

            late = refused_while_stopping(chatting)
            assert_json_error(late, 503, "stopping")
            assert late.headers["connection"] == "close"
            assert late.headers["retry-after"] == "1"
            assert httpx2.get(f"{chatting.url}/health/nothing", trust_env=False).status_code == 404, "probes go on"

            *deltas, last = events
        assert {event.name for event in deltas} <= {"delta"}
        assert last.name == "error"
        assert list(last.data) == ["code", "message"]
        assert last.data["code"] == "stopping"
        assert_json_error(whole.result(), 503, "stopping")
        error = json.loads(completed.result()[-1].removeprefix("data: "))["error"]
        assert (error["code"], error["type"]) == ("stopping", "server_error")
    assert chatting.process.wait(timeout=60) == 0
    eventually(chat_endpoint.client_left.is_set, message="the call to the chat model goes on")
    assert "Traceback" not in chatting.log
    assert not chatting.remains


@pytest.mark.parametrize("chatting", [LONG], indirect=True)
def test_a_running_answer_is_completed_and_the_server_ends_with_it(
    chatting: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus", " and", " PingCAP [1].", holds_after=1))
    with chatting.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
        events = streamed(response)
        assert next(events).name == "passages"
        chatting.signal(signal.SIGTERM)
        assert_json_error(refused_while_stopping(chatting), 503, "stopping")
        chat_endpoint.proceed.set()
        rest = list(events)
    assert rest[-1].name == "answer"
    assert rest[-1].data["answer"] == "Milvus and PingCAP [1]."
    assert chatting.process.wait(timeout=60) == 0, "it waited for nothing"


@pytest.mark.parametrize("chatting", [0.5], indirect=True)
def test_a_client_that_does_not_read_does_not_keep_the_server(chatting: Server, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(*(["Milvus [1].\n\n" * 2000] * 40), hangs=True))
    asking = post("/ask", {"question": QUESTION, "stream": True})
    with connected(chatting, asking, receive_buffer=4096) as own:
        assert own.recv(100).startswith(b"HTTP/1.1 200 ")
        chatting.signal(signal.SIGTERM)
        assert chatting.process.wait(timeout=60) == 0
    assert "Traceback" not in chatting.log
