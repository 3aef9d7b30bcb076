"""Parameters that an endpoint refuses are left out, whatever the shape of its complaint, and not sent again."""

import asyncio

import pytest

from rag.chat.openai_compatible import OpenAIChat
from rag.chat.presets import PRESETS
from rag.chat.protocol import TextDelta
from rag.errors import ChatRejected
from rag.settings import ChatSettings
from tests.kit.chat import MESSAGES, chat_at, failure, model_at, said
from tests.kit.openai_scripts import completion, reply
from tests.kit.openai_server import OpenAIServer, Script


def complaint(body: object, status: int = 400) -> Script:
    return reply(status, body)


REFUSALS: dict[str, tuple[str, Script]] = {
    "Mistral": (
        "stream_options",
        complaint(
            {
                "object": "error",
                "message": {
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "stream_options", "include_usage"],
                            "msg": "Extra inputs are not permitted",
                            "input": True,
                        }
                    ]
                },
                "type": "invalid_request_error",
            },
            422,
        ),
    ),
    "FastAPI": (
        "chat_template_kwargs",
        complaint({"detail": [{"loc": ["body", "chat_template_kwargs"], "msg": "extra fields not permitted"}]}, 422),
    ),
    "Ollama": ("chat_template_kwargs", complaint({"error": '"qwen2.5" does not support thinking'})),
    "vLLM with Mistral's tokenizer": (
        "chat_template_kwargs",
        complaint({"error": {"message": "chat_template is not supported for Mistral tokenizers."}}),
    ),
    "a bare string": ("temperature", complaint(b"temperature is not supported with this model")),
    "Chinese": ("temperature", complaint({"error": {"code": "1210", "message": "temperature 参数非法"}})),
    "an error list": ("stream_options", complaint({"errors": [{"message": "Unknown field: stream_options"}]})),
    "with status 500": ("stream_options", complaint({"error": "unexpected keyword argument 'stream_options'"}, 500)),
    "a streaming refusal": (
        "stream",
        complaint({"error": {"message": "streaming is not supported", "param": "stream"}}),
    ),
}


def ask_twice(chat: object) -> None:
    async def run() -> None:
        for _ in range(2):
            assert [piece async for piece in chat.stream(MESSAGES) if isinstance(piece, TextDelta)]  # type: ignore[attr-defined]
        await chat.close()  # type: ignore[attr-defined]

    asyncio.run(run())


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_is_left_out_and_remembered(server: OpenAIServer, name: str) -> None:
    option, refusal = REFUSALS[name]
    ask_twice(chat_at(server, refusal, completion("x"), max_attempts=1))
    assert [option in call.body for call in server.calls] == [True, False, False]
    kept = {"temperature", "stream_options", "chat_template_kwargs", "max_tokens"} - {option}
    assert kept <= set(server.calls[2].body)


@pytest.mark.parametrize(
    "said_by_server",
    [
        {"error": {"message": "System role not supported"}},
        {"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}},
        {"error": {"message": "Unsupported value: 'messages[0].role' does not support 'system' with this model."}},
        {"error": {"message": "Developer instruction is not enabled for models/gemma-3-27b-it"}},
    ],
)
def test_a_model_without_a_system_role_gets_the_rules_with_the_question(
    server: OpenAIServer, said_by_server: object
) -> None:
    ask_twice(chat_at(server, reply(400, said_by_server), completion("x")))
    for call in server.calls[1:]:
        [message] = call.body["messages"]
        assert message == {"role": "user", "content": "\n\n".join(part.content for part in MESSAGES)}


def test_several_refusals_one_after_the_other_are_all_heeded(server: OpenAIServer) -> None:
    asyncio.run(
        said(
            chat_at(
                server,
                reply(400, {"error": {"message": "Unrecognized request argument: chat_template_kwargs"}}),
                reply(400, {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported"}}),
                reply(400, {"error": {"message": "'temperature' does not support 0.1"}}),
                completion("x"),
            )
        )
    )
    assert set(server.calls[-1].body) == {"model", "messages", "stream", "stream_options", "max_completion_tokens"}


def test_an_unnamed_parameter_is_found_by_leaving_all_out(server: OpenAIServer) -> None:
    ask_twice(chat_at(server, reply(400, {"error": {"message": "Unsupported parameter"}}), completion("x")))
    assert set(server.calls[-1].body) == {"model", "messages", "stream", "max_tokens"}


def test_a_guess_that_does_not_help_is_not_remembered(server: OpenAIServer) -> None:
    refusal = reply(400, {"error": {"message": "temperature must be a number, and the prompt is too long"}})
    chat = chat_at(server, refusal, refusal, completion("x"))

    async def run() -> None:
        with pytest.raises(ChatRejected):
            async for _ in chat.stream(MESSAGES):
                pass
        await said(chat)

    asyncio.run(run())
    assert "temperature" in server.calls[-1].body


def test_an_endpoint_that_refuses_each_name_of_the_limit_is_given_up(server: OpenAIServer) -> None:
    refusal = reply(400, {"error": {"message": "max_tokens and max_completion_tokens are not supported"}})
    assert type(failure(chat_at(server, refusal)).error) is ChatRejected
    assert len(server.calls) < 10


def test_extra_parameters_are_sent_and_never_left_out(server: OpenAIServer) -> None:
    refusal = reply(400, {"error": {"message": "top_k is not permitted"}})
    server.play(completion("x"), refusal)
    extra = {"top_k": 5, "temperature": None, "max_tokens": 7, "chat_template_kwargs": {"thinking": False}}
    chat = OpenAIChat(
        ChatSettings(), name="custom/m", base_url=server.base_url, model="m", api_key="", extra_body=extra
    )

    async def run() -> None:
        with pytest.raises(ChatRejected, match="top_k"):
            for _ in range(2):
                async for _ in chat.stream(MESSAGES):
                    pass
        await chat.close()

    asyncio.run(run())
    body = server.calls[0].body
    assert "temperature" not in body
    assert (body["top_k"], body["max_tokens"], body["chat_template_kwargs"]) == (5, 7, {"thinking": False})
    assert len(server.calls) == 2


@pytest.mark.parametrize("thinking", [True, False])
def test_a_custom_endpoint_is_told_whether_to_think(server: OpenAIServer, thinking: bool) -> None:
    server.play(completion("x"))
    asyncio.run(said(model_at(server.base_url, ChatSettings(thinking=thinking))))
    assert server.calls[0].body["chat_template_kwargs"]["enable_thinking"] is thinking


def test_a_limit_before_the_answer_gets_advice_that_is_not_in_force_already(server: OpenAIServer) -> None:
    script = completion(thoughts=("hm",), finish_reason="length")
    for preset in (PRESETS["qwen"], PRESETS["ollama"]):
        assert "set chat.thinking: false" in str(failure(chat_at(server, script, preset=preset, thinking=True)).error)
        message = str(failure(chat_at(server, script, preset=preset)).error)
        assert "set chat.thinking: false" not in message
        assert "chat.max_answer_tokens" in message
