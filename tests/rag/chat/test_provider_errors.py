"""The provider's reason reaches the person with advice that fits it, and no key ever does."""

import pytest

from rag.errors import ChatAuthenticationError, ChatBroken, ChatBusy, ChatError, ChatRejected, ChatUnavailable
from tests.kit.chat import KEY, chat_at, failure
from tests.kit.openai_scripts import events, reply
from tests.kit.openai_server import OpenAIServer

DENIED = ChatAuthenticationError
CASES: dict[str, tuple[int, object, type[ChatError], str, str]] = {
    # name: status, body, error, what the provider says, the advice
    "SiliconFlow": (
        403,
        {"code": 30001, "message": "Sorry, your account balance is insufficient"},
        DENIED,
        "balance is",
        "top it up",
    ),
    "DashScope, free tier": (
        403,
        {"error": {"message": "The free tier of the model has been exhausted."}},
        DENIED,
        "free tier",
        "top it up",
    ),
    "DashScope, arrears": (
        400,
        {"error": {"code": "Arrearage", "message": "Access denied."}},
        DENIED,
        "Access denied",
        "top it up",
    ),
    "Zhipu": (429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}, DENIED, "欠费", "top it up"),
    "DeepSeek": (402, {"error": {"message": "Insufficient Balance"}}, DENIED, "Insufficient Balance", "top it up"),
    "OpenAI, quota": (
        429,
        {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}},
        DENIED,
        "exceeded",
        "top it up",
    ),
    "OpenAI, region": (
        403,
        {
            "error": {
                "code": "unsupported_country_region_territory",
                "message": "Country, region, or territory not supported",
            }
        },
        DENIED,
        "territory",
        "proxy",
    ),
    "Gemini, region": (
        400,
        [{"error": {"message": "User location is not supported for the API use."}}],
        DENIED,
        "location",
        "proxy",
    ),
    "Ollama, not pulled": (
        404,
        {"error": {"message": 'model "m" not found, try pulling it first'}},
        DENIED,
        "pulling",
        "ollama pull m",
    ),
    "one-api": (
        503,
        {"error": {"message": "当前分组 default 下对于模型 m 无可用渠道"}},
        DENIED,
        "无可用渠道",
        "channels",
    ),
    "new-api": (
        503,
        {"error": {"message": "No available channel for model m under group default"}},
        DENIED,
        "No available",
        "channels",
    ),
    "Ollama, memory": (
        500,
        {"error": "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"},
        ChatUnavailable,
        "5.6 GiB",
        "smaller model",
    ),
    "vLLM, memory": (
        500,
        {"message": "CUDA out of memory. Tried to allocate 2 GiB"},
        ChatUnavailable,
        "CUDA",
        "smaller model",
    ),
    "a wrong key": (
        401,
        {"error": {"message": f"Incorrect API key provided: {KEY[:8]}****cdef."}},
        DENIED,
        "Incorrect API key",
        "check ZHIWEN_CHAT__API_KEY",
    ),
    "a wrong key, 400": (
        400,
        {"error": {"message": f"API key not valid: {KEY}"}},
        DENIED,
        "not valid",
        "check ZHIWEN_CHAT__API_KEY",
    ),
    "too long": (
        400,
        {"error": {"message": "This model's maximum context length is 4096 tokens, however you requested 9000"}},
        ChatRejected,
        "4096",
        "chat.context_tokens",
    ),
    "unknown model": (400, {"error": {"message": "Model Not Exist"}}, DENIED, "Not Exist", "check chat.model"),
    "OpenRouter": (
        403,
        {"error": {"message": "Provider returned error", "metadata": {"raw": "Key limit exceeded"}}},
        DENIED,
        "Key limit exceeded",
        "chat.model",
    ),
    "MiniMax": (
        400,
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        DENIED,
        "insufficient",
        "top it up",
    ),
    "a limit a minute": (
        429,
        {"error": {"message": "You exceeded your current quota. Please retry in 34s."}},
        ChatBusy,
        "retry in",
        "",
    ),
    "a page": (403, b"<html><title>Blocked by firewall</title></html>", DENIED, "Blocked by firewall", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason_is_passed_on_with_advice_that_fits(server: OpenAIServer, name: str) -> None:
    status, body, kind, reason, advice = CASES[name]
    error = failure(chat_at(server, reply(status, body), max_attempts=1)).error
    assert type(error) is kind
    assert reason in str(error)
    assert advice in str(error)
    assert "\n" not in str(error)
    assert KEY[:8] not in str(error)
    assert KEY[-4:] not in str(error)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"error": {"message": f"balance of {KEY} is insufficient", "code": 402}}, "top it up"),
        ({"code": "Arrearage", "message": "account overdue"}, "top it up"),
        ({"object": "error", "message": "CUDA out of memory"}, "smaller model"),
        ({"detail": "no available channel"}, "channels"),
    ],
)
def test_an_error_where_the_answer_should_be_is_passed_on(server: OpenAIServer, event: object, reason: str) -> None:
    for script in (events(event), reply(200, event)):
        error = failure(chat_at(server, script)).error
        assert type(error) is ChatBroken
        assert reason in str(error)
        assert KEY not in str(error)
