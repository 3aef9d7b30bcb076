"""The limit on questions that are answered at once: some run, some queue, all others get 429."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from api.guard.concurrency_limit import ConcurrencyLimit
from api.request_errors import TooManyAnswers
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server, assert_json_error
from tests.kit.raw_connection import LIVE, connected, post_head, read_response, read_until_closed
from tests.kit.server_events import streamed
from tests.kit.tight_server import QUESTION, full, key_header, metric, question, queued, running
from tests.kit.virtual_time import VirtualTime
from tests.kit.waiting import eventually

REJECTED = 'zhiwen_http_requests_total{method="POST",route="/ask",status="429"}'


# The limit by itself


def limit_of(max_running: int, max_queued: int) -> ConcurrencyLimit:
    return ConcurrencyLimit(max_running=max_running, max_queued=max_queued, queue_timeout_seconds=10)


async def started(waiting: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    """The coroutine as a task that has come as far as it comes at once."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    return task


def test_slots_are_handed_on_in_the_order_of_arrival() -> None:
    async def play() -> None:
        limit = limit_of(1, 2)
        await limit.acquire()
        first, second = await started(limit.acquire()), await started(limit.acquire())
        assert (limit.running, limit.queued) == (1, 2)
        with pytest.raises(TooManyAnswers):
            await limit.acquire()
        limit.release()
        await first
        assert not second.done()
        limit.release()
        await second
        limit.release()
        assert (limit.running, limit.queued) == (0, 0)

    asyncio.run(play())


def test_callers_take_turns_and_a_full_queue_of_one_caller_has_room_for_another() -> None:
    async def play() -> None:
        limit = limit_of(1, 4)
        await limit.acquire("a")
        greedy = [await started(limit.acquire("a")) for _ in range(4)]
        with pytest.raises(TooManyAnswers):
            limit.reject_if_full("a")
        limit.reject_if_full("b")
        modest = [await started(limit.acquire("b")), await started(limit.acquire("b"))]
        assert limit.queued == 4
        for task in greedy[2:]:
            with pytest.raises(TooManyAnswers):
                await task
        with pytest.raises(TooManyAnswers):
            await limit.acquire("b")  # now it has its share
        for task in (greedy[0], modest[0], greedy[1], modest[1]):
            limit.release()
            await task
        limit.release()
        assert (limit.running, limit.queued) == (0, 0)

    asyncio.run(play())


def test_a_caller_that_waits_too_long_is_rejected_and_leaves_the_queue() -> None:
    clock = VirtualTime()

    async def play() -> None:
        limit = limit_of(1, 1)
        await limit.acquire()
        with pytest.raises(TooManyAnswers, match="within 10 seconds") as caught:
            await limit.acquire()
        assert caught.value.retry_after_seconds > 0
        assert (limit.running, limit.queued) == (1, 0)
        limit.release()
        assert limit.running == 0

    clock.run(play())
    assert clock.passed == 10


def test_a_caller_that_is_cancelled_keeps_neither_a_slot_nor_its_turn() -> None:
    async def play() -> None:
        limit = limit_of(1, 2)
        await limit.acquire()
        leaving, staying = await started(limit.acquire()), await started(limit.acquire())
        limit.release()
        leaving.cancel()  # in the moment in which it is handed the slot
        await staying
        assert leaving.cancelled()
        leaving = await started(limit.acquire())
        leaving.cancel()  # while it is in the queue
        await asyncio.gather(leaving, return_exceptions=True)
        assert (limit.running, limit.queued) == (1, 0)
        limit.release()
        assert limit.running == 0

    asyncio.run(play())


def test_a_slot_that_is_released_before_a_cancelled_caller_has_left_is_free() -> None:
    async def play() -> None:
        limit = limit_of(1, 1)
        await limit.acquire()
        leaving = await started(limit.acquire())
        leaving.cancel()
        limit.release()
        await asyncio.gather(leaving, return_exceptions=True)
        assert (limit.running, limit.queued) == (0, 0)

    asyncio.run(play())


# A server that has one


def test_some_questions_run_some_queue_and_the_others_are_told_to_come_back(
    tight: Server, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1]", " is one [1].", holds_after=1))
    body = {"question": QUESTION, "stream": True}
    with (
        tight.client.stream("POST", "/ask", json=body) as first,
        tight.client.stream("POST", "/ask", json=body) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        streams = streamed(first), streamed(second)
        assert [next(events).name for events in streams] == ["passages", "passages"]
        assert running(tight) == 2
        waiting = pool.submit(
            httpx2.post, f"{tight.url}/ask", json=body, headers=key_header(tight), trust_env=False, timeout=60
        )
        eventually(lambda: queued(tight) == 1)
        rejected = tight.post("/search", question=QUESTION)
        assert_json_error(rejected, 429, "too_many_answers")
        assert int(rejected.headers["retry-after"]) >= 1
        assert tight.client.get("/status").status_code == 200, "other routes have no such limit"
        chat_endpoint.proceed.set()
        assert [list(events)[-1].name for events in streams] == ["answer", "answer"]
        assert waiting.result().status_code == 200
    eventually(lambda: not running(tight))
    assert tight.post("/search", question=QUESTION).status_code == 200


def test_a_full_server_still_says_what_else_is_wrong_with_a_request(tight: Server, chat_endpoint: OpenAIServer) -> None:
    rejected_before = metric(tight, REJECTED)
    with full(tight, chat_endpoint):
        assert_json_error(tight.client.post("/ask", json={}, headers={"X-API-Key": "zw_x"}), 401, "key_unknown")
        assert_json_error(tight.client.post("/ask", json={}, headers={"Host": "evil.org"}), 400, "untrusted_host")
        assert_json_error(tight.client.post("/ask", json={}), 429, "too_many_answers")
        assert tight.client.post("/v1/chat/completions", json={}).json()["error"]["type"] == "rate_limit_error"
        of_a_page = tight.client.post("/ask", json={}, headers={"Origin": "https://intranet.example.com"})
        assert_json_error(of_a_page, 429, "too_many_answers")
        assert of_a_page.headers["access-control-allow-origin"] == "https://intranet.example.com"
        assert tight.client.get("/status").status_code == 200
        eventually(lambda: metric(tight, REJECTED) >= rejected_before + 2)
    eventually(lambda: '"route": "/v1/chat/completions", "status": 429' in tight.log)


def test_a_connection_goes_on_after_a_rejection(tight: Server, chat_endpoint: OpenAIServer) -> None:
    asking = question(tight)
    with full(tight, chat_endpoint), connected(tight, asking + LIVE + asking[:-5]) as own:
        responses = [read_response(own) for _ in range(3)]
        # The rest of the last body arrives after its question has been rejected.
        own.sendall(asking[-5:] + LIVE + asking.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        responses += [read_response(own) for _ in range(2)]
        assert read_until_closed(own) == b""
    assert [response.status for response in responses] == [429, 200, 429, 200, 429]
    assert [response.headers.get("connection") for response in responses] == [None] * 4 + ["close"]
    for response in responses:
        assert response.headers["date"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_client_that_leaves_the_queue_makes_room_in_it(tight: Server, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion("Milvus [1]", hangs=True))
    asking = question(tight)
    with connected(tight, asking), connected(tight, asking):
        eventually(lambda: running(tight) == 2)
        with connected(tight, asking):
            eventually(lambda: queued(tight) == 1)
        eventually(lambda: queued(tight) == 0)
        assert running(tight) == 2
    eventually(lambda: not running(tight))


def test_a_question_takes_no_slot_until_its_body_is_complete(tight: Server) -> None:
    with ExitStack() as slow:
        for path in ("/search", "/ask", "/v1/chat/completions", "/retrieval"):
            head = post_head(path, 100, headers=key_header(tight) | {"Expect": "100-continue"})
            own = slow.enter_context(connected(tight, head))
            # What the server says as soon as it wants the body.
            assert own.recv(100).startswith(b"HTTP/1.1 100 ")
            own.sendall(b'{"question": "')
        assert running(tight) == 0
        assert tight.post("/search", question=QUESTION).status_code == 200
