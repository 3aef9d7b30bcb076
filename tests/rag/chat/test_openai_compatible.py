"""An OpenAI-compatible chat model over real sockets: what it asks, what it streams, and when it hangs up."""

import asyncio

import pytest

from rag.chat.presets import PRESETS
from rag.chat.protocol import TextDelta
from rag.errors import ChatBroken, ChatRejected
from rag.types import Attempt, Usage
from tests.kit.chat import KEY, MESSAGES, chat_at, failure, heard, said
from tests.kit.openai_scripts import completion, events, reply
from tests.kit.openai_server import Call, OpenAIServer, Script, chunk
from tests.kit.waiting import eventually


def test_a_normal_stream_comes_piece_by_piece(server: OpenAIServer) -> None:
    assert asyncio.run(said(chat_at(server, completion("Ollama ", "是平台", " [1]")))) == ["Ollama ", "是平台", " [1]"]
    assert len(server.calls) == 1


def test_the_request_carries_prompt_model_limits_and_key(server: OpenAIServer) -> None:
    asyncio.run(said(chat_at(server, completion("好"), temperature=0.7, max_answer_tokens=99)))
    (call,) = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body["model"] == "m"
    assert call.body["stream"] is True
    assert call.body["temperature"] == 0.7
    assert call.body["max_tokens"] == 99
    assert call.body["messages"] == [{"role": message.role, "content": message.content} for message in MESSAGES]


def test_a_server_without_a_key_is_asked_without_ours(server: OpenAIServer) -> None:
    assert asyncio.run(said(chat_at(server, completion("好"), key=""))) == ["好"]


def test_pieces_arrive_while_the_model_still_writes(server: OpenAIServer) -> None:
    chat = chat_at(server, completion("第一", "第二", holds_after=1))
    pieces, error = asyncio.run(heard(chat, on_piece=server.proceed.set))
    assert error is None
    assert pieces[:2] == [TextDelta("第一"), TextDelta("第二")]


def test_one_model_answers_several_questions_at_once(server: OpenAIServer) -> None:
    async def run() -> list[list[str]]:
        chat = chat_at(server, completion("x", "y"))

        async def one() -> list[str]:
            return [piece.text async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)]

        found = await asyncio.gather(*(one() for _ in range(8)))
        await chat.close()
        return found

    assert asyncio.run(run()) == [["x", "y"]] * 8


def test_after_a_failure_the_same_model_answers_the_next_question(server: OpenAIServer) -> None:
    async def run() -> list[str]:
        chat = chat_at(server, events(chunk("一半")), completion("好"))
        with pytest.raises(ChatBroken):
            async for _ in chat.stream(MESSAGES):
                pass
        return await said(chat)

    assert asyncio.run(run()) == ["好"]


def test_each_attempt_is_reported_with_its_outcome_and_its_times(server: OpenAIServer) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 1}
    script = events(chunk("好"), chunk(finish_reason="stop", usage=usage), "[DONE]")
    pieces, _ = asyncio.run(heard(chat_at(server, reply(503), reply(429), script)))
    attempts = [piece for piece in pieces if isinstance(piece, Attempt)]
    assert [attempt.outcome for attempt in attempts] == ["unavailable", "busy", "answered"]
    assert {attempt.model for attempt in attempts} == {"custom/m"}
    assert "status 503" in attempts[0].problem
    assert attempts[0].first_token_seconds is None
    assert attempts[2].problem == ""
    assert attempts[2].usage == Usage(7, 1)
    assert attempts[2].first_token_seconds is not None
    assert 0 < attempts[2].first_token_seconds <= attempts[2].seconds


# A client that goes away


def test_a_consumer_that_stops_early_closes_the_connection(server: OpenAIServer) -> None:
    async def run() -> None:
        chat = chat_at(server, completion("x", "y", hangs=True))
        stream = chat.stream(MESSAGES)
        assert await anext(stream) == TextDelta("x")
        await stream.aclose()
        assert await asyncio.to_thread(server.calls[0].client_left.wait, 2)
        await chat.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("script", "pieces"),
    [(Call.hang, 0), (completion(hangs=True), 0), (completion("x", hangs=True), 1)],
    ids=["no head", "no token", "one token"],
)
def test_a_consumer_that_is_cancelled_closes_the_connection(server: OpenAIServer, script: Script, pieces: int) -> None:
    async def run() -> None:
        chat = chat_at(server, script)
        heard = []

        async def consume() -> None:
            async for piece in chat.stream(MESSAGES):
                heard.append(piece)

        task = asyncio.create_task(consume())
        await asyncio.to_thread(eventually, lambda: server.calls and len(heard) == pieces)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.calls[0].client_left.wait, 30)
        await chat.close()

    asyncio.run(run())


# What servers do not take


@pytest.mark.parametrize("provider", sorted(PRESETS))
@pytest.mark.parametrize("thinking", [False, True])
def test_a_request_says_what_is_usual_at_the_provider(server: OpenAIServer, provider: str, thinking: bool) -> None:
    preset = PRESETS[provider]
    asyncio.run(said(chat_at(server, completion("好"), preset=preset, thinking=thinking, max_answer_tokens=99)))
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
    server: OpenAIServer, option: str, complaint: str
) -> None:
    async def run() -> None:
        refusal = reply(400, {"error": {"message": complaint}})
        chat = chat_at(server, refusal, completion("好"), completion("好"), preset=PRESETS["qwen"], max_attempts=1)
        for _ in range(2):
            assert [piece async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)] == [TextDelta("好")]
        await chat.close()

    asyncio.run(run())
    assert [option in call.body for call in server.calls] == [True, False, False]
    assert all(call.body["max_tokens"] == 1024 for call in server.calls)


def test_a_limit_by_another_name_is_given_by_that_name(server: OpenAIServer) -> None:
    complaint = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    asyncio.run(said(chat_at(server, reply(400, {"error": {"message": complaint}}), completion("好"))))
    assert [call.body.get("max_completion_tokens") for call in server.calls] == [None, 1024]
    assert "max_tokens" not in server.calls[1].body


def test_a_limit_that_is_too_large_is_never_left_out(server: OpenAIServer) -> None:
    complaint = "'max_tokens' is too large: 1024. This model's maximum context length is 512 tokens."
    end = failure(chat_at(server, reply(400, {"error": {"message": complaint}})))
    assert type(end.error) is ChatRejected
    assert len(server.calls) == 1
