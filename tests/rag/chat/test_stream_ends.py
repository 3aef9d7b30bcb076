"""The many forms of a streamed answer and of its end: a whole answer is kept, a cut one says so."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chat.event_stream import DONE, EventStream
from rag.chat.protocol import Finished, ReasoningDelta, TextDelta
from rag.chat.stream_parser import StreamParser
from rag.errors import ChatBroken, ChatFiltered
from tests.kit.chat import chat_at, failure, heard, said
from tests.kit.openai_scripts import events, reply
from tests.kit.openai_server import Call, OpenAIServer, chunk, sse


def delta(**fields: Any) -> dict[str, Any]:
    return chunk() | {"choices": [{"index": 0, "delta": fields}]}


def message(content: object, finish_reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": content, **fields}, "finish_reason": finish_reason}]}


@pytest.mark.parametrize("reason", ["stop", "STOP", "COMPLETE", "end_turn", "eos_token", "FINISH_REASON_STOP", "End"])
def test_a_complete_answer_is_complete_whatever_the_word(server: OpenAIServer, reason: str) -> None:
    pieces, error = asyncio.run(heard(chat_at(server, events(chunk("好"), chunk(finish_reason=reason)))))
    assert error is None
    assert pieces[-1] == Finished("custom/m")


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "max_tokens", "model_length", "max_output_tokens"])
def test_a_cut_answer_says_so_whatever_the_word(server: OpenAIServer, reason: str) -> None:
    pieces, error = asyncio.run(heard(chat_at(server, events(chunk("好"), chunk(finish_reason=reason)))))
    assert error is None
    assert pieces[-1] == Finished("custom/m", True)


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "sensitive", "RECITATION", "refusal"])
def test_a_filtered_answer_says_so_whatever_the_word(server: OpenAIServer, reason: str) -> None:
    assert type(failure(chat_at(server, events(chunk("好"), chunk(finish_reason=reason)))).error) is ChatFiltered


@pytest.mark.parametrize("reason", ["", "null", "None", None])
def test_no_reason_in_each_chunk_is_not_an_end(server: OpenAIServer, reason: str | None) -> None:
    begun = [chunk("一", finish_reason=reason), chunk("半", finish_reason=reason)]
    assert type(failure(chat_at(server, events(*begun))).error) is ChatBroken
    assert asyncio.run(said(chat_at(server, events(*begun, "[DONE]")))) == ["一", "半"]


def test_an_end_with_each_piece_does_not_cut_the_answer_when_the_model_pauses(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.event(chunk("一", finish_reason="stop"))
        assert not call.server.closing.wait(1.5)  # longer than the wait for the number of tokens
        call.event(chunk("半", finish_reason="stop"))
        call.event("[DONE]")
        call.end()

    assert asyncio.run(said(chat_at(server, script))) == ["一", "半"]


@pytest.mark.parametrize(
    "payloads",
    [
        [delta(content=[{"type": "text", "text": "好"}]), delta(content=[{"type": "text", "text": "的"}])],
        [delta(content={"type": "output_text", "text": "好的"})],
        [message("好的", None)],
        [message("好", None), message("好的", None)],
        [message("好", None), message("的", None)],
        [chunk("好"), chunk("的"), message("好的")],
        [chunk("好"), chunk("的"), message(" 好的 ")],
    ],
    ids=["lists", "an object", "whole", "growing", "messages as pieces", "repeated", "repeated, with blanks"],
)
def test_text_is_read_in_every_form(server: OpenAIServer, payloads: list[object]) -> None:
    assert "".join(asyncio.run(said(chat_at(server, events(*payloads, chunk(finish_reason="stop")))))) == "好的"


@pytest.mark.parametrize(
    "payload",
    [
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "嗯"}]}]),
        delta(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "嗯"}]}]),
        delta(reasoning={"content": "嗯"}),
        delta(reasoning_content="嗯", reasoning="嗯"),
        delta(thinking="嗯"),
        message("", None, reasoning_content="嗯"),
    ],
)
def test_reasoning_is_read_in_every_form_and_once(server: OpenAIServer, payload: object) -> None:
    script = events(payload, chunk("好"), chunk(finish_reason="stop"))
    pieces, error = asyncio.run(heard(chat_at(server, script)))
    assert error is None
    assert pieces[:2] == [ReasoningDelta("嗯"), TextDelta("好")]


@pytest.mark.parametrize("answer", [message("好的"), message([{"type": "text", "text": "好的"}], None)])
def test_an_answer_in_one_piece_is_an_answer(server: OpenAIServer, answer: object) -> None:
    assert asyncio.run(said(chat_at(server, reply(200, answer)))) == ["好的"]


def test_reasoning_in_an_answer_in_one_piece_is_not_shown(server: OpenAIServer) -> None:
    assert asyncio.run(said(chat_at(server, reply(200, message("用户问。</think>好的"))))) == ["好的"]


def test_a_model_that_closes_what_it_never_opened_is_not_streamed_from_then_on(server: OpenAIServer) -> None:
    script = events(chunk("段落 1 说。"), chunk("</think>好"), chunk(finish_reason="stop"))
    model = chat_at(server, script)

    async def run() -> list[list[str]]:
        found = [[piece.text async for piece in model.stream([]) if isinstance(piece, TextDelta)] for _ in range(2)]
        await model.close()
        return found

    first, second = asyncio.run(run())
    assert first == ["段落 1 说。", "好"], "it was passed on before the tag came, and taken back"
    assert second == ["好"]


def test_events_without_blank_lines_between_them_are_events(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part((sse(chunk("好")) + sse(chunk("的")) + sse(chunk(finish_reason="stop"))).replace(b"\n\n", b"\n"))
        call.end()

    assert "".join(asyncio.run(said(chat_at(server, script)))) == "好的"


def test_separators_of_lines_in_the_text_do_not_end_an_event(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(sse('{"choices": [{"delta": {"content": "a\u2028b\u0085c"}, "finish_reason": "stop"}]}'))
        call.end()

    assert asyncio.run(said(chat_at(server, script))) == ["a\u2028b\u0085c"]


@given(
    st.lists(st.text(alphabet="好ab \n`[1]<>/", min_size=1, max_size=8), min_size=1, max_size=6),
    st.sampled_from(["\n\n", "\r\n\r\n", "\n"]),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_how_the_bytes_are_cut_makes_no_difference(texts: list[str], ending: str, data: st.DataObject) -> None:
    body = b"".join(sse(chunk(text)) for text in texts) + sse(chunk(finish_reason="stop")) + sse("[DONE]")
    body = body.replace(b"\n\n", ending.encode())
    at = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=20)))
    stream, parser = EventStream(), StreamParser("m", "m at x")
    found: list[object] = []
    for start, end in zip([0, *at], [*at, len(body)], strict=True):
        found += stream.feed(body[start:end])
    found += stream.finish()
    assert found[-1] is DONE
    pieces = [piece for event in found for piece in parser.feed(event)] + parser.finish()
    parser.check()
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == "".join(texts)
