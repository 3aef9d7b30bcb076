"""How an OpenAI-compatible chat model can refuse or break: what is tried again, and what each failure is called."""

import asyncio
import socket

import pytest

from rag.chat.fallback import FallbackChat
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatError,
    ChatRejected,
    ChatUnavailable,
    ConfigError,
    NotAChatModel,
)
from rag.settings import ChatSettings
from tests.kit.chat import KEY, chat_at, failure, model_at, said
from tests.kit.openai_scripts import completion, events, refuse_for, reply
from tests.kit.openai_server import Call, OpenAIServer, Script

# Tried again, but only before the first token


def test_too_many_requests_is_tried_again_after_the_time_that_was_asked_for(server: OpenAIServer) -> None:
    chat = chat_at(server, refuse_for(1, then=completion("好")), max_attempts=2)
    assert asyncio.run(said(chat)) == ["好"]
    assert len(server.calls) == 2


@pytest.mark.parametrize("wait", ["soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-5", "nan", ""])
def test_a_time_to_wait_that_makes_no_sense_is_passed_over(server: OpenAIServer, wait: str) -> None:
    error = failure(chat_at(server, reply(429, Retry_After=wait), max_attempts=1)).error
    assert isinstance(error, ChatBusy)
    assert error.retry_after_seconds == 0


@pytest.mark.parametrize("wait", ["3600", "inf"])
def test_a_time_to_wait_beyond_the_deadline_is_not_waited_for(server: OpenAIServer, wait: str) -> None:
    end = failure(chat_at(server, reply(429, Retry_After=wait)))
    assert isinstance(end.error, ChatUnavailable)
    assert len(server.calls) == 1


def test_a_server_that_fails_twice_is_asked_three_times(server: OpenAIServer) -> None:
    chat = chat_at(server, reply(500), reply(503), completion("好"))
    assert asyncio.run(said(chat)) == ["好"]
    assert len(server.calls) == 3


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_server_that_always_fails_is_given_up(server: OpenAIServer, attempts: int) -> None:
    end = failure(chat_at(server, reply(500), max_attempts=attempts))
    assert type(end.error) is ChatUnavailable
    assert "custom/m" in str(end.error)
    assert "500" in str(end.error)
    assert len(server.calls) == attempts


def test_a_connection_that_breaks_before_the_first_token_is_tried_again(server: OpenAIServer) -> None:
    def breaks(call: Call) -> None:
        call.head()
        call.reset()

    assert asyncio.run(said(chat_at(server, breaks, completion("好")))) == ["好"]
    assert len(server.calls) == 2


def test_a_connection_that_breaks_after_the_first_token_is_not_tried_again(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.say("一半")
        assert call.server.proceed.wait(30)
        call.reset()

    chat = chat_at(server, script, completion("不该问"))
    end = failure(chat, on_piece=server.proceed.set)
    assert type(end.error) is ChatBroken, "it was reached; its answer broke off"
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


def test_a_body_that_is_cut_off_after_the_first_token_is_not_tried_again(server: OpenAIServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.say("一半")
        call.raw(b"ff\r\ndata: {")

    end = failure(chat_at(server, script, completion("不该问")))
    assert type(end.error) is ChatBroken, "it was reached; its answer broke off"
    assert end.heard == ["一半"]
    assert len(server.calls) == 1


# What the server refuses


def test_a_refused_key_is_not_tried_again_and_not_repeated(server: OpenAIServer) -> None:
    for status in (401, 403):
        server.calls.clear()
        end = failure(chat_at(server, reply(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})))
        assert type(end.error) is ChatAuthenticationError
        assert "ZHIWEN_CHAT__API_KEY" in str(end.error)
        assert KEY not in str(end.error)
        assert len(server.calls) == 1


def test_an_unknown_model_or_path_is_named(server: OpenAIServer) -> None:
    end = failure(chat_at(server, reply(404, {"error": {"message": "no such model"}})))
    assert type(end.error) is ChatAuthenticationError
    assert server.base_url in str(end.error)
    assert "chat.model" in str(end.error)
    assert len(server.calls) == 1


def test_a_request_that_is_refused_says_why_in_one_line(server: OpenAIServer) -> None:
    end = failure(chat_at(server, reply(400, {"error": {"message": "context\nlength exceeded"}})))
    assert type(end.error) is ChatRejected
    assert "length exceeded" in str(end.error)
    assert "\n" not in str(end.error)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "payload",
    [{"detail": "too long"}, {"code": 20015, "message": "too long", "data": None}, {"error": "too long"}, b"too long"],
    ids=["FastAPI", "SiliconFlow", "a string", "no JSON"],
)
def test_the_reason_of_a_refusal_is_given_whatever_its_form(server: OpenAIServer, payload: object) -> None:
    end = failure(chat_at(server, reply(422, payload)))
    assert type(end.error) is ChatRejected
    assert "too long" in str(end.error)


@pytest.mark.parametrize(
    "script",
    [
        reply(400, {"error": {"message": f"API key not valid: {KEY}"}}),
        events({"error": {"message": f"API key expired: {KEY}", "code": 401}}),
        events(f"not JSON {KEY}"),
    ],
    ids=["status", "error in the stream", "not JSON"],
)
def test_a_key_that_the_server_repeats_is_not_passed_on(server: OpenAIServer, script: Script) -> None:
    assert KEY not in str(failure(chat_at(server, script)).error)


@pytest.mark.parametrize("key", ["sk-你的密钥", "sk-abc\n", "sk-\x00abc"])
def test_a_key_that_no_header_can_carry_is_an_error_without_the_key(server: OpenAIServer, key: str) -> None:
    with pytest.raises((ConfigError, ChatUnavailable)) as caught:
        asyncio.run(said(chat_at(server, completion("好"), key=key, max_attempts=1)))
    assert key not in str(caught.value)
    assert server.calls == []


def test_an_account_without_credit_is_not_tried_again(server: OpenAIServer) -> None:
    for status, code in ((402, None), (429, "insufficient_quota")):
        server.calls.clear()
        end = failure(chat_at(server, reply(status, {"error": {"message": "no", "code": code}})))
        assert type(end.error) is ChatAuthenticationError
        assert "credit" in str(end.error)
        assert len(server.calls) == 1


def test_too_many_requests_has_its_own_outcome(server: OpenAIServer) -> None:
    assert type(failure(chat_at(server, reply(429), max_attempts=1)).error) is ChatBusy


# Addresses


def test_an_address_where_nothing_listens_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        settings = ChatSettings(max_attempts=2)
        end = failure(FallbackChat([model_at(base_url, settings)], settings))
    assert type(end.error) is ChatUnavailable
    assert f"custom/m at {base_url} cannot be reached" in str(end.error)


def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{port}")  # pragma: allowlist secret
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("https_proxy", raising=False)
        settings = ChatSettings(max_attempts=1)
        end = failure(FallbackChat([model_at("https://api.example.com/v1", settings)], settings))
    assert f"cannot be reached through the proxy http://127.0.0.1:{port} (HTTPS_PROXY)" in str(end.error)
    assert "secret" not in str(end.error)


@pytest.mark.parametrize("base_url", ["http://does-not-exist.invalid/v1", "localhost:11434/v1", "ftp://127.0.0.1/v1"])
def test_an_address_that_leads_nowhere_is_named(base_url: str) -> None:
    settings = ChatSettings(max_attempts=1, first_token_timeout_seconds=10)
    end = failure(FallbackChat([model_at(base_url, settings)], settings))
    assert type(end.error) is ChatUnavailable
    assert base_url in str(end.error)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda call: call.reply(200, b"<!doctype html><title>Login</title>", "text/html"), NotAChatModel),
        (lambda call: call.reply(200, b"<!doctype html>\ndata: {oops\n\n", "text/html; charset=utf-8"), NotAChatModel),
        (lambda call: call.reply(200, {"ok": True}), ChatBroken),
        (lambda call: call.reply(200, b"\n" * 1000, "text/plain"), NotAChatModel),
        (lambda call: call.reply(200, b"", "text/event-stream"), ChatBroken),
    ],
    ids=["HTML", "HTML that looks like events", "JSON that is no answer", "blank lines", "nothing"],
)
def test_a_page_with_status_200_that_is_not_a_stream_is_not_taken_for_an_answer(
    server: OpenAIServer, script: Script, kind: type[ChatError]
) -> None:
    end = failure(chat_at(server, script))
    assert type(end.error) is kind
    assert end.heard == []
    assert server.base_url in str(end.error)
    assert len(server.calls) == 1
