"""What a chat model streams over a real socket: events, ends, tokens and reasoning, proper and broken."""

import asyncio
import json
from typing import Any

import pytest

from rag.chat.prices import Price
from rag.chat.protocol import Finished, ReasoningDelta, TextDelta
from rag.errors import ChatBroken, ChatFiltered, ChatInvalidResponse
from rag.types import Usage
from tests.kit.chat import chat_at, failure, heard, said
from tests.kit.openai_scripts import completion, events, reply
from tests.kit.openai_server import Call, OpenAIServer, Script, chunk, sse

# Events


def test_several_events_in_one_packet_are_several_pieces(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(
            sse(chunk("x")) + sse(chunk("y")) + sse(chunk("z")) + sse(chunk(finish_reason="stop")) + sse("[DONE]")
        )
        call.end()

    assert asyncio.run(said(chat_at(server, script))) == ["x", "y", "z"]


def test_an_event_in_many_packets_is_one_piece(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        for byte in sse(chunk("平台")) + sse(chunk(finish_reason="stop")):
            call.part(bytes([byte]))
        call.end()

    assert asyncio.run(said(chat_at(server, script))) == ["平台"]


def test_other_line_ends_and_comments_are_understood(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(b": keep-alive\r\n\r\n" + sse(chunk("a")).replace(b"\n", b"\r\n"))
        call.part(b": keep-alive\n\n" + sse(chunk(finish_reason="stop")))
        call.end()

    assert asyncio.run(said(chat_at(server, script))) == ["a"]


def test_a_last_event_with_the_usage_and_without_choices_is_read(server: OpenAIServer) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    script = events(chunk("好"), chunk(finish_reason="stop"), chunk() | {"choices": [], "usage": usage}, "[DONE]")
    assert asyncio.run(said(chat_at(server, script))) == ["好"]


@pytest.mark.parametrize("broken", ["{oops", "null", "", "[1]", '"text"', "5"])
def test_an_event_that_is_not_a_chunk_is_an_error_and_not_tried_again(server: OpenAIServer, broken: str) -> None:
    first = failure(chat_at(server, events(broken, "{oops"), completion("不该问")))
    assert type(first.error) is (ChatInvalidResponse)
    assert len(server.calls) == 1
    server.calls.clear()
    later = failure(chat_at(server, events(chunk("一半"), broken, "{oops"), completion("不该问")))
    assert type(later.error) is type(first.error)
    assert later.heard == ["一半"]
    assert len(server.calls) == 1


def test_bytes_that_are_not_utf8_are_broken(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(b"data: \xff\xfe\n\n")
        call.end()

    assert type(failure(chat_at(server, script)).error) is ChatInvalidResponse


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
def test_a_chunk_of_another_form_is_passed_over_or_broken(server: OpenAIServer, strange: object) -> None:
    chat = chat_at(server, events(strange, chunk("好"), strange, chunk(finish_reason="stop"), "[DONE]"))
    try:
        assert asyncio.run(said(chat)) == ["好"]
    except ChatBroken as error:
        assert "custom/m" in str(error)


# Ends


def test_a_stream_that_ends_without_a_finish_reason_is_broken(server: OpenAIServer) -> None:
    end = failure(chat_at(server, events(chunk("一半"))))
    assert type(end.error) is ChatBroken
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


def test_a_stream_that_is_done_without_a_finish_reason_is_complete(server: OpenAIServer) -> None:
    assert finished(server, events(chunk("好"), "[DONE]")) == Finished("custom/m")
    assert type(failure(chat_at(server, events(chunk(), "[DONE]"))).error) is ChatBroken


@pytest.mark.parametrize(
    "script",
    [
        events(chunk("一半"), chunk(finish_reason="content_filter"), "[DONE]"),
        events(chunk("一半"), {"error": {"message": "inappropriate", "code": "data_inspection_failed"}}),
        reply(400, {"error": {"message": "inappropriate", "code": "data_inspection_failed"}}),
        reply(400, {"error": {"message": "inappropriate", "code": "content_filter"}}),
    ],
    ids=["finish reason", "error in the stream", "refusal at DashScope", "refusal at Azure"],
)
def test_an_answer_that_the_provider_filtered_says_so(server: OpenAIServer, script: Script) -> None:
    end = failure(chat_at(server, script))
    assert type(end.error) is ChatFiltered
    assert "content filter" in str(end.error)
    assert len(server.calls) == 1


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "tool_calls", "error"])
def test_an_end_for_another_reason_is_broken_and_named(server: OpenAIServer, reason: str) -> None:
    end = failure(chat_at(server, events(chunk("一半"), chunk(finish_reason=reason), "[DONE]")))
    assert type(end.error) is ChatBroken
    assert reason in str(end.error)


def test_an_error_inside_the_stream_is_broken_and_says_why(server: OpenAIServer) -> None:
    error = {"error": {"message": "quota exceeded", "type": "insufficient_quota"}}
    for script in (events(error), events(chunk("一半"), error)):
        server.calls.clear()
        end = failure(chat_at(server, script, completion("不该问")))
        assert type(end.error) is ChatBroken
        assert "quota exceeded" in str(end.error)
        assert len(server.calls) == 1


def finished(server: OpenAIServer, script: Script, **given: Any) -> Finished:
    pieces, error = asyncio.run(heard(chat_at(server, script, **given)))
    assert error is None
    assert isinstance(pieces[-1], Finished)
    assert sum(isinstance(piece, Finished) for piece in pieces) == 1
    return pieces[-1]


def test_an_answer_that_stops_at_its_length_limit_is_truncated(server: OpenAIServer) -> None:
    assert finished(server, events(chunk("一半"), chunk(finish_reason="length"), "[DONE]")) == Finished(
        "custom/m", True
    )
    assert finished(server, completion("好")) == Finished("custom/m", False)


def test_a_limit_reached_before_the_answer_began_is_broken_and_says_what_to_do(server: OpenAIServer) -> None:
    end = failure(chat_at(server, events(thought("嗯"), chunk(finish_reason="length"), "[DONE]")))
    assert type(end.error) is ChatBroken
    assert "chat.max_answer_tokens" in str(end.error)


def test_a_complete_answer_is_not_spoiled_by_a_server_that_does_not_hang_up(server: OpenAIServer) -> None:
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

    assert finished(server, lingers) == finished(server, breaks) == Finished("custom/m")


# Tokens and cost


USAGE = {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100}


@pytest.mark.parametrize(
    "script",
    [
        events(chunk("好"), chunk(finish_reason="stop"), chunk() | {"choices": [], "usage": USAGE}, "[DONE]"),
        events(chunk("好"), chunk(finish_reason="stop", usage=USAGE), "[DONE]"),
        events(
            chunk("好", usage={"prompt_tokens": 2000, "completion_tokens": 1}), chunk(finish_reason="stop", usage=USAGE)
        ),
    ],
    ids=["in an event of its own", "with the end", "in every event"],
)
def test_the_tokens_are_counted_and_cost_what_is_configured(server: OpenAIServer, script: Script) -> None:
    assert finished(server, script).usage == Usage(2000, 100)
    assert finished(server, script, price=Price(0.8, 2.0)).usage == Usage(2000, 100, cost=0.0018)
    assert server.calls[0].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("usage", [None, "x", {}, {"prompt_tokens": "many", "completion_tokens": 1}])
def test_without_a_count_of_tokens_there_is_no_usage(server: OpenAIServer, usage: object) -> None:
    assert finished(server, events(chunk("好"), chunk(finish_reason="stop", usage=usage), "[DONE]")).usage is None


# Reasoning


def thought(text: str, name: str = "reasoning_content") -> dict[str, Any]:
    return chunk() | {"choices": [{"index": 0, "delta": {name: text, "content": None}, "finish_reason": None}]}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_passed_on_apart_from_the_text(server: OpenAIServer, name: str) -> None:
    script = events(thought("先看 [1]", name), thought("，再看 [2]", name), chunk("好"), chunk(finish_reason="stop"))
    pieces, error = asyncio.run(heard(chat_at(server, script)))
    assert error is None
    assert pieces[:3] == [ReasoningDelta("先看 [1]"), ReasoningDelta("，再看 [2]"), TextDelta("好")]


def test_reasoning_in_tags_is_taken_out_of_the_text(server: OpenAIServer) -> None:
    script = completion("<thi", "nk>", "先看", "</th", "ink>\n\n好", "的")
    pieces, error = asyncio.run(heard(chat_at(server, script)))
    assert error is None
    assert "".join(piece.text for piece in pieces if isinstance(piece, ReasoningDelta)) == "先看"
    assert [piece.text for piece in pieces if isinstance(piece, TextDelta)] == ["好", "的"]
