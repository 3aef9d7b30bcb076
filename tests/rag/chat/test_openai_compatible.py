"""An OpenAI-compatible chat model over real sockets: what is asked, what is heard, and every way it can fail."""

import asyncio
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rag.chat.fallback import FallbackChat
from rag.chat.openai_compatible import OpenAIChat
from rag.chat.presets import CUSTOM, PRESETS, Preset
from rag.chat.prices import Price
from rag.chat.protocol import ChatModel, Finished, ReasoningDelta, TextDelta
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatError,
    ChatFiltered,
    ChatInvalidResponse,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    ConfigError,
    NotAChatModel,
)
from rag.settings import ChatSettings
from rag.types import Attempt, Usage
from tests.kit.chat import KEY, MESSAGES, heard, said
from tests.kit.chat_server import Call, Script, ScriptedServer, answers, chunk, refuses, running_server, says, sse


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running_server() as running:
        yield running


def chat_with(
    server: ScriptedServer,
    *scripts: Script,
    key: str = KEY,
    preset: Preset = CUSTOM,
    price: Price | None = None,
    **given: Any,
) -> FallbackChat:
    server.scripts = list(scripts)
    settings = ChatSettings(**{"total_timeout_seconds": 20, **given})
    return FallbackChat([model_at(server.base_url, settings, key=key, preset=preset, price=price)], settings)


def model_at(
    base_url: str, settings: ChatSettings, *, key: str = KEY, preset: Preset = CUSTOM, price: Price | None = None
) -> OpenAIChat:
    return OpenAIChat(settings, name="custom/m", base_url=base_url, model="m", api_key=key, preset=preset, price=price)


@dataclass
class Failure:
    """How a stream ended that should not have ended well."""

    heard: list[str]
    error: ChatError
    seconds: float


def failure(chat: ChatModel) -> Failure:
    async def run() -> Failure:
        heard: list[str] = []
        started = time.monotonic()
        try:
            async for piece in chat.stream(MESSAGES):
                if isinstance(piece, TextDelta):
                    heard.append(piece.text)
        except ChatError as error:
            return Failure(heard, error, time.monotonic() - started)
        finally:
            await chat.close()
        raise AssertionError(f"the stream ended as if all were well, after {heard}")

    return asyncio.run(run())


def test_a_normal_stream_comes_piece_by_piece(server: ScriptedServer) -> None:
    assert asyncio.run(said(chat_with(server, answers("Ollama ", "是平台", " [1]")))) == ["Ollama ", "是平台", " [1]"]
    assert len(server.calls) == 1


def test_the_request_carries_prompt_model_limits_and_key(server: ScriptedServer) -> None:
    asyncio.run(said(chat_with(server, answers("好"), temperature=0.7, max_answer_tokens=99)))
    (call,) = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body["model"] == "m"
    assert call.body["stream"] is True
    assert call.body["temperature"] == 0.7
    assert call.body["max_tokens"] == 99
    assert call.body["messages"] == [{"role": message.role, "content": message.content} for message in MESSAGES]


def test_a_server_without_a_key_is_asked_without_ours(server: ScriptedServer) -> None:
    assert asyncio.run(said(chat_with(server, answers("好"), key=""))) == ["好"]


def test_pieces_arrive_while_the_model_still_writes(server: ScriptedServer) -> None:
    heard_first = threading.Event()

    def script(call: Call) -> None:
        call.head()
        call.say("第一")
        assert heard_first.wait(5)
        call.say("第二")
        call.event(chunk(finish_reason="stop"))
        call.end()

    async def run() -> list[str]:
        heard = []
        chat = chat_with(server, script)
        async for piece in chat.stream(MESSAGES):
            if isinstance(piece, TextDelta):
                heard.append(piece.text)
                heard_first.set()
        await chat.close()
        return heard

    assert asyncio.run(run()) == ["第一", "第二"]


def test_several_events_in_one_packet_are_several_pieces(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(
            sse(chunk("a")) + sse(chunk("b")) + sse(chunk("c")) + sse(chunk(finish_reason="stop")) + sse("[DONE]")
        )
        call.end()

    assert asyncio.run(said(chat_with(server, script))) == ["a", "b", "c"]


def test_an_event_in_many_packets_is_one_piece(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        for byte in sse(chunk("平台")) + sse(chunk(finish_reason="stop")):
            call.part(bytes([byte]))
        call.end()

    assert asyncio.run(said(chat_with(server, script))) == ["平台"]


def test_other_line_ends_and_comments_are_understood(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(b": keep-alive\r\n\r\n" + sse(chunk("a")).replace(b"\n", b"\r\n"))
        call.part(b": keep-alive\n\n" + sse(chunk(finish_reason="stop")))
        call.end()

    assert asyncio.run(said(chat_with(server, script))) == ["a"]


def test_a_last_event_with_the_usage_and_no_choices_is_no_problem(server: ScriptedServer) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    script = says(chunk("好"), chunk(finish_reason="stop"), chunk() | {"choices": [], "usage": usage}, "[DONE]")
    assert asyncio.run(said(chat_with(server, script))) == ["好"]


def test_one_model_answers_several_questions_at_once(server: ScriptedServer) -> None:
    async def run() -> list[list[str]]:
        chat = chat_with(server, answers("a", "b"))

        async def one() -> list[str]:
            return [piece.text async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)]

        found = await asyncio.gather(*(one() for _ in range(8)))
        await chat.close()
        return found

    assert asyncio.run(run()) == [["a", "b"]] * 8


# Tried again, but only before the first token.


def test_too_many_requests_is_tried_again_after_the_time_that_was_asked_for(server: ScriptedServer) -> None:
    started = time.monotonic()
    chat = chat_with(server, refuses(429, Retry_After="1"), answers("好"))
    assert asyncio.run(said(chat)) == ["好"]
    assert len(server.calls) == 2
    assert 1 <= time.monotonic() - started < 4


@pytest.mark.parametrize("wait", ["soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-5", "nan", ""])
def test_a_strange_time_to_wait_is_replaced_by_our_own(server: ScriptedServer, wait: str) -> None:
    chat = chat_with(server, refuses(429, Retry_After=wait), answers("好"))
    assert asyncio.run(said(chat)) == ["好"]


@pytest.mark.parametrize("wait", ["3600", "inf", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_time_to_wait_beyond_the_deadline_is_not_waited_for(server: ScriptedServer, wait: str) -> None:
    end = failure(chat_with(server, refuses(429, Retry_After=wait)))
    assert isinstance(end.error, ChatUnavailable)
    assert end.seconds < 2
    assert len(server.calls) == 1


def test_a_server_that_fails_twice_is_asked_three_times(server: ScriptedServer) -> None:
    chat = chat_with(server, refuses(500), refuses(503), answers("好"))
    assert asyncio.run(said(chat)) == ["好"]
    assert len(server.calls) == 3


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_server_that_always_fails_is_given_up(server: ScriptedServer, attempts: int) -> None:
    end = failure(chat_with(server, refuses(500), max_attempts=attempts))
    assert type(end.error) is ChatUnavailable
    assert "custom/m" in str(end.error)
    assert "500" in str(end.error)
    assert len(server.calls) == attempts


def test_a_connection_that_breaks_before_the_first_token_is_tried_again(server: ScriptedServer) -> None:
    def breaks(call: Call) -> None:
        call.head()
        call.reset()

    assert asyncio.run(said(chat_with(server, breaks, answers("好")))) == ["好"]
    assert len(server.calls) == 2


def test_a_refused_key_is_not_tried_again_and_not_repeated(server: ScriptedServer) -> None:
    for status in (401, 403):
        server.calls.clear()
        end = failure(chat_with(server, refuses(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})))
        assert type(end.error) is ChatAuthenticationError
        assert "ZHIWEN_CHAT__API_KEY" in str(end.error)
        assert KEY not in str(end.error)
        assert len(server.calls) == 1


def test_an_unknown_model_or_path_is_named(server: ScriptedServer) -> None:
    end = failure(chat_with(server, refuses(404, {"error": {"message": "no such model"}})))
    assert type(end.error) is ChatAuthenticationError
    assert server.base_url in str(end.error)
    assert "chat.model" in str(end.error)
    assert len(server.calls) == 1


def test_a_request_that_is_refused_says_why_in_one_line(server: ScriptedServer) -> None:
    end = failure(chat_with(server, refuses(400, {"error": {"message": "context\nlength exceeded"}})))
    assert type(end.error) is ChatRejected
    assert "length exceeded" in str(end.error)
    assert "\n" not in str(end.error)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "payload",
    [{"detail": "too long"}, {"code": 20015, "message": "too long", "data": None}, {"error": "too long"}, b"too long"],
    ids=["FastAPI", "SiliconFlow", "a string", "no JSON"],
)
def test_whatever_the_form_of_a_refusal_is_its_reason_is_told(server: ScriptedServer, payload: object) -> None:
    end = failure(chat_with(server, refuses(422, payload)))
    assert type(end.error) is ChatRejected
    assert "too long" in str(end.error)


@pytest.mark.parametrize(
    "script",
    [
        refuses(400, {"error": {"message": f"API key not valid: {KEY}"}}),
        says({"error": {"message": f"API key expired: {KEY}", "code": 401}}),
        says(f"not JSON {KEY}"),
    ],
    ids=["status", "error in the stream", "not JSON"],
)
def test_a_key_that_the_server_repeats_is_not_passed_on(server: ScriptedServer, script: Script) -> None:
    assert KEY not in str(failure(chat_with(server, script)).error)


@pytest.mark.parametrize("key", ["sk-你的密钥", "sk-abc\n", "sk-\x00abc"])
def test_a_key_that_no_header_can_carry_is_an_error_without_the_key(server: ScriptedServer, key: str) -> None:
    with pytest.raises((ConfigError, ChatUnavailable)) as caught:
        asyncio.run(said(chat_with(server, answers("好"), key=key, max_attempts=1)))
    assert key not in str(caught.value)
    assert server.calls == []


def test_where_nobody_listens_the_address_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        settings = ChatSettings(max_attempts=2)
        end = failure(FallbackChat([model_at(base_url, settings)], settings))
    assert type(end.error) is ChatUnavailable
    assert f"custom/m at {base_url} cannot be reached" in str(end.error)


@pytest.mark.parametrize("base_url", ["http://does-not-exist.invalid/v1", "localhost:11434/v1", "ftp://127.0.0.1/v1"])
def test_an_address_that_leads_nowhere_is_named(base_url: str) -> None:
    settings = ChatSettings(max_attempts=1, first_token_timeout_seconds=10)
    end = failure(FallbackChat([model_at(base_url, settings)], settings))
    assert type(end.error) is ChatUnavailable
    assert base_url in str(end.error)


# Deadlines.


def test_a_server_that_never_answers_is_left_within_the_first_deadline(server: ScriptedServer) -> None:
    end = failure(chat_with(server, Call.hang, first_token_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert 0.4 < end.seconds < 2
    assert len(server.calls) == 1
    assert server.calls[0].gone.wait(2)


def test_a_stream_that_never_begins_is_left_within_the_first_deadline(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.hang()

    end = failure(chat_with(server, script, first_token_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert 0.4 < end.seconds < 2
    assert len(server.calls) == 1
    assert server.calls[0].gone.wait(2)


def test_comments_that_keep_the_connection_alive_are_no_token(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        while not call.released.wait(0.05):
            call.part(b": keep-alive\n\n")

    end = failure(chat_with(server, script, first_token_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert end.seconds < 2


def test_a_stall_in_mid_stream_ends_within_the_idle_deadline(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.say("一半")
        call.hang()

    end = failure(chat_with(server, script, idle_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert end.heard == ["一半"]
    assert 0.4 < end.seconds < 2
    assert len(server.calls) == 1
    assert server.calls[0].gone.wait(2)


def test_a_drip_that_never_ends_is_left_at_the_total_deadline(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        while not call.released.wait(0.1):
            call.say("滴")

    end = failure(chat_with(server, script, idle_timeout_seconds=5, total_timeout_seconds=1))
    assert type(end.error) is ChatTimeout
    assert len(end.heard) > 3
    assert 0.9 < end.seconds < 2
    assert len(server.calls) == 1


def test_a_flood_that_never_ends_is_left_at_the_total_deadline(server: ScriptedServer) -> None:
    flood = b"".join(sse(chunk("x")) for _ in range(200))

    def script(call: Call) -> None:
        call.head()
        until = time.monotonic() + 3
        while time.monotonic() < until:
            call.part(flood)

    end = failure(chat_with(server, script, total_timeout_seconds=1))
    assert type(end.error) is ChatTimeout
    assert end.seconds < 2


def test_waiting_between_attempts_counts_towards_the_total_deadline(server: ScriptedServer) -> None:
    end = failure(chat_with(server, refuses(500), max_attempts=10, total_timeout_seconds=1.5))
    assert type(end.error) is ChatUnavailable
    assert end.seconds < 2
    assert len(server.calls) < 5


# Answers that broke off or are none.


def test_a_stream_that_ends_without_a_finish_reason_is_broken(server: ScriptedServer) -> None:
    end = failure(chat_with(server, says(chunk("一半"))))
    assert type(end.error) is ChatBroken
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


def test_a_stream_that_is_done_without_a_finish_reason_is_broken(server: ScriptedServer) -> None:
    assert type(failure(chat_with(server, says(chunk("一半"), "[DONE]"))).error) is ChatBroken


def test_a_connection_that_breaks_after_the_first_token_is_not_tried_again(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.say("一半")
        time.sleep(0.2)
        call.reset()

    end = failure(chat_with(server, script, answers("不该问")))
    assert type(end.error) is ChatBroken, "it was reached; its answer broke off"
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


def test_a_body_that_is_cut_off_after_the_first_token_is_not_tried_again(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.say("一半")
        call.send(b"ff\r\ndata: {")

    end = failure(chat_with(server, script, answers("不该问")))
    assert type(end.error) is ChatBroken, "it was reached; its answer broke off"
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


@pytest.mark.parametrize("broken", ["{oops", "null", "", "[1]", '"text"', "5"])
def test_an_event_that_is_no_chunk_is_broken_and_not_tried_again(server: ScriptedServer, broken: str) -> None:
    first = failure(chat_with(server, says(broken, "{oops"), answers("不该问")))
    assert type(first.error) is (ChatBroken if broken == "null" else ChatInvalidResponse)
    assert len(server.calls) == 1
    server.calls.clear()
    later = failure(chat_with(server, says(chunk("一半"), broken, "{oops"), answers("不该问")))
    assert type(later.error) is type(first.error)
    assert later.heard == ["一半"]
    assert len(server.calls) == 1


def test_bytes_that_are_not_utf8_are_broken(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(b"data: \xff\xfe\n\n")
        call.end()

    assert type(failure(chat_with(server, script)).error) is ChatInvalidResponse


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"object": "ping"},
        {"code": "Arrearage", "message": "account overdue"},
        {"choices": None},
        {"choices": [{}]},
        {"choices": [None]},
        {"choices": [{"index": 0, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": "hm"}}]},
        {"choices": [{"index": 0, "delta": {"content": 5}}]},
        {"choices": [{"index": 0, "delta": {"content": ["x"]}}]},
        {"choices": "x"},
    ],
    ids=json.dumps,
)
def test_a_chunk_of_another_form_is_passed_over_or_broken(server: ScriptedServer, strange: object) -> None:
    chat = chat_with(server, says(strange, chunk("好"), strange, chunk(finish_reason="stop"), "[DONE]"))
    try:
        assert asyncio.run(said(chat)) == ["好"]
    except ChatBroken as error:
        assert "custom/m" in str(error)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda call: call.whole(200, b"<!doctype html><title>Login</title>", "text/html"), NotAChatModel),
        (lambda call: call.whole(200, b"<!doctype html>\ndata: {oops\n\n", "text/html; charset=utf-8"), NotAChatModel),
        (lambda call: call.whole(200, {"choices": [{"message": {"content": "whole"}}]}), NotAChatModel),
        (lambda call: call.whole(200, b"\n" * 1000, "text/plain"), NotAChatModel),
        (lambda call: call.whole(200, b"", "text/event-stream"), ChatBroken),
    ],
    ids=["HTML", "HTML that looks like events", "an answer in one piece", "blank lines", "nothing"],
)
def test_a_page_with_status_200_that_is_no_stream_is_not_taken_for_an_answer(
    server: ScriptedServer, script: Script, kind: type[ChatError]
) -> None:
    end = failure(chat_with(server, script))
    assert type(end.error) is kind
    assert end.heard == []
    assert server.base_url in str(end.error)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "script",
    [
        says(chunk("一半"), chunk(finish_reason="content_filter"), "[DONE]"),
        says(chunk("一半"), {"error": {"message": "inappropriate", "code": "data_inspection_failed"}}),
        refuses(400, {"error": {"message": "inappropriate", "code": "data_inspection_failed"}}),
        refuses(400, {"error": {"message": "inappropriate", "code": "content_filter"}}),
    ],
    ids=["finish reason", "error in the stream", "refusal at DashScope", "refusal at Azure"],
)
def test_an_answer_that_the_provider_filtered_says_so(server: ScriptedServer, script: Script) -> None:
    end = failure(chat_with(server, script))
    assert type(end.error) is ChatFiltered
    assert "content filter" in str(end.error)
    assert len(server.calls) == 1


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "tool_calls", "error"])
def test_an_end_for_another_reason_is_broken_and_named(server: ScriptedServer, reason: str) -> None:
    end = failure(chat_with(server, says(chunk("一半"), chunk(finish_reason=reason), "[DONE]")))
    assert type(end.error) is ChatBroken
    assert reason in str(end.error)


def test_an_account_without_credit_is_not_tried_again(server: ScriptedServer) -> None:
    for status, code in ((402, None), (429, "insufficient_quota")):
        server.calls.clear()
        end = failure(chat_with(server, refuses(status, {"error": {"message": "no", "code": code}})))
        assert type(end.error) is ChatAuthenticationError
        assert "credit" in str(end.error)
        assert len(server.calls) == 1


def test_too_many_requests_is_an_outcome_of_its_own(server: ScriptedServer) -> None:
    assert type(failure(chat_with(server, refuses(429), max_attempts=1)).error) is ChatBusy


def test_an_error_inside_the_stream_is_broken_and_says_why(server: ScriptedServer) -> None:
    error = {"error": {"message": "quota exceeded", "type": "insufficient_quota"}}
    for script in (says(error), says(chunk("一半"), error)):
        server.calls.clear()
        end = failure(chat_with(server, script, answers("不该问")))
        assert type(end.error) is ChatBroken
        assert "quota exceeded" in str(end.error)
        assert len(server.calls) == 1


# A client that goes away.


def hangs_after(*texts: str) -> Script:
    def script(call: Call) -> None:
        call.head()
        for text in texts:
            call.say(text)
        call.hang()

    return script


def test_a_consumer_that_stops_early_closes_the_connection(server: ScriptedServer) -> None:
    async def run() -> None:
        chat = chat_with(server, hangs_after("a", "b"))
        stream = chat.stream(MESSAGES)
        assert await anext(stream) == TextDelta("a")
        await stream.aclose()
        assert await asyncio.to_thread(server.calls[0].gone.wait, 2)
        await chat.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "script", [Call.hang, hangs_after(), hangs_after("a")], ids=["no head", "no token", "one token"]
)
def test_a_consumer_that_is_cancelled_closes_the_connection(server: ScriptedServer, script: Script) -> None:
    async def run() -> None:
        chat = chat_with(server, script)

        async def consume() -> None:
            async for _ in chat.stream(MESSAGES):
                pass

        task = asyncio.create_task(consume())
        for _ in itertools.takewhile(lambda _: not server.calls, range(200)):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.calls[0].gone.wait, 2)
        await chat.close()

    asyncio.run(run())


def test_after_a_failure_the_same_model_answers_the_next_question(server: ScriptedServer) -> None:
    async def run() -> list[str]:
        chat = chat_with(server, says(chunk("一半")), answers("好"))
        with pytest.raises(ChatBroken):
            async for _ in chat.stream(MESSAGES):
                pass
        return await said(chat)

    assert asyncio.run(run()) == ["好"]


# Length, tokens, cost.


def finished(server: ScriptedServer, script: Script, **given: Any) -> Finished:
    pieces, error = asyncio.run(heard(chat_with(server, script, **given)))
    assert error is None
    assert isinstance(pieces[-1], Finished)
    assert sum(isinstance(piece, Finished) for piece in pieces) == 1
    return pieces[-1]


def test_an_answer_that_stops_at_its_length_limit_is_truncated(server: ScriptedServer) -> None:
    assert finished(server, says(chunk("一半"), chunk(finish_reason="length"), "[DONE]")) == Finished("custom/m", True)
    assert finished(server, answers("好")) == Finished("custom/m", False)


def test_a_limit_reached_before_the_answer_began_is_broken_and_says_what_to_do(server: ScriptedServer) -> None:
    end = failure(chat_with(server, says(thought("嗯"), chunk(finish_reason="length"), "[DONE]")))
    assert type(end.error) is ChatBroken
    assert "chat.max_answer_tokens" in str(end.error)


USAGE = {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100}


@pytest.mark.parametrize(
    "script",
    [
        says(chunk("好"), chunk(finish_reason="stop"), chunk() | {"choices": [], "usage": USAGE}, "[DONE]"),
        says(chunk("好"), chunk(finish_reason="stop", usage=USAGE), "[DONE]"),
        says(
            chunk("好", usage={"prompt_tokens": 2000, "completion_tokens": 1}), chunk(finish_reason="stop", usage=USAGE)
        ),
    ],
    ids=["in an event of its own", "with the end", "in every event"],
)
def test_the_tokens_are_counted_and_cost_what_is_configured(server: ScriptedServer, script: Script) -> None:
    assert finished(server, script).usage == Usage(2000, 100)
    assert finished(server, script, price=Price(0.8, 2.0)).usage == Usage(2000, 100, cost=0.0018)
    assert server.calls[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("usage", [None, "x", {}, {"prompt_tokens": "many", "completion_tokens": 1}])
def test_where_nobody_counts_there_is_no_usage(server: ScriptedServer, usage: object) -> None:
    assert finished(server, says(chunk("好"), chunk(finish_reason="stop", usage=usage), "[DONE]")).usage is None


def test_a_complete_answer_is_not_spoiled_by_a_server_that_does_not_hang_up(server: ScriptedServer) -> None:
    def lingers(call: Call) -> None:
        call.head()
        call.say("好")
        call.event(chunk(finish_reason="stop"))
        call.hang()

    def breaks(call: Call) -> None:
        call.head()
        call.say("好")
        call.event(chunk(finish_reason="stop"))
        call.reset()

    started = time.monotonic()
    assert finished(server, lingers) == finished(server, breaks) == Finished("custom/m")
    assert time.monotonic() - started < 3


# Reasoning.


def thought(text: str, name: str = "reasoning_content") -> dict[str, Any]:
    return chunk() | {"choices": [{"index": 0, "delta": {name: text, "content": None}, "finish_reason": None}]}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_passed_on_apart_from_the_text(server: ScriptedServer, name: str) -> None:
    script = says(thought("先看 [1]", name), thought("，再看 [2]", name), chunk("好"), chunk(finish_reason="stop"))
    pieces, error = asyncio.run(heard(chat_with(server, script)))
    assert error is None
    assert pieces[:3] == [ReasoningDelta("先看 [1]"), ReasoningDelta("，再看 [2]"), TextDelta("好")]


def test_reasoning_in_tags_is_taken_out_of_the_text(server: ScriptedServer) -> None:
    script = answers("<thi", "nk>", "先看", "</th", "ink>\n\n好", "的")
    pieces, error = asyncio.run(heard(chat_with(server, script)))
    assert error is None
    assert "".join(piece.text for piece in pieces if isinstance(piece, ReasoningDelta)) == "先看"
    assert [piece.text for piece in pieces if isinstance(piece, TextDelta)] == ["好", "的"]


def test_a_model_that_thinks_has_begun(server: ScriptedServer) -> None:
    def thinks(call: Call) -> None:
        call.head()
        for _ in range(6):
            call.event(thought("嗯"))
            time.sleep(0.2)
        call.say("好")
        call.event(chunk(finish_reason="stop"))
        call.end()

    given = {"first_token_timeout_seconds": 0.8, "idle_timeout_seconds": 0.8}
    assert finished(server, thinks, **given) == Finished("custom/m")


def test_events_without_content_are_no_token(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        while not call.released.wait(0.05):
            call.event(chunk(""))

    end = failure(chat_with(server, script, first_token_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert end.seconds < 2


# What servers do not take.


@pytest.mark.parametrize("provider", sorted(PRESETS))
@pytest.mark.parametrize("thinking", [False, True])
def test_a_request_says_what_is_usual_at_the_provider(server: ScriptedServer, provider: str, thinking: bool) -> None:
    preset = PRESETS[provider]
    asyncio.run(said(chat_with(server, answers("好"), preset=preset, thinking=thinking, max_answer_tokens=99)))
    body = server.calls[0].body
    assert body[preset.limit_parameter] == 99
    assert ("max_tokens" in body) != ("max_completion_tokens" in body)
    switches = preset.thinking_on if thinking else preset.thinking_off
    assert {name: body[name] for name in switches} == switches
    assert {"enable_thinking", "thinking", "reasoning_effort"} & set(body) == set(switches)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("enable_thinking", "Value error, current model does not support parameter `enable_thinking`."),
        ("stream_options", "Unrecognized request argument supplied: stream_options"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.1 with this model."),
    ],
)
def test_an_option_that_the_server_refuses_is_left_out_then_and_later(
    server: ScriptedServer, option: str, complaint: str
) -> None:
    async def run() -> None:
        refusal = refuses(400, {"error": {"message": complaint}})
        chat = chat_with(server, refusal, answers("好"), answers("好"), preset=PRESETS["qwen"], max_attempts=1)
        for _ in range(2):
            assert [piece async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)] == [TextDelta("好")]
        await chat.close()

    asyncio.run(run())
    assert [option in call.body for call in server.calls] == [True, False, False]
    assert all(call.body["max_tokens"] == 1024 for call in server.calls)


def test_a_limit_by_another_name_is_given_by_that_name(server: ScriptedServer) -> None:
    complaint = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    asyncio.run(said(chat_with(server, refuses(400, {"error": {"message": complaint}}), answers("好"))))
    assert [call.body.get("max_completion_tokens") for call in server.calls] == [None, 1024]
    assert "max_tokens" not in server.calls[1].body


def test_a_limit_that_is_too_large_is_never_left_out(server: ScriptedServer) -> None:
    complaint = "'max_tokens' is too large: 1024. This model's maximum context length is 512 tokens."
    end = failure(chat_with(server, refuses(400, {"error": {"message": complaint}})))
    assert type(end.error) is ChatRejected
    assert len(server.calls) == 1


# Attempts.


def test_every_attempt_is_told_with_its_outcome_and_its_times(server: ScriptedServer) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 1}
    script = says(chunk("好"), chunk(finish_reason="stop", usage=usage), "[DONE]")
    pieces, _ = asyncio.run(heard(chat_with(server, refuses(503), refuses(429), script)))
    attempts = [piece for piece in pieces if isinstance(piece, Attempt)]
    assert [attempt.outcome for attempt in attempts] == ["unavailable", "busy", "answered"]
    assert {attempt.model for attempt in attempts} == {"custom/m"}
    assert "status 503" in attempts[0].problem
    assert attempts[0].first_token_seconds is None
    assert attempts[2].problem == ""
    assert attempts[2].usage == Usage(7, 1)
    assert attempts[2].first_token_seconds is not None
    assert 0 < attempts[2].first_token_seconds <= attempts[2].seconds < 5
