"""Chat models: quoting without one, opening one from the settings, and talking to one over a real socket."""

import asyncio
import itertools
import json
import socket
import socketserver
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from rag.chat import ChatModel
from rag.chat.extractive import ExtractiveChat
from rag.chat.openai_compatible import OpenAIChat
from rag.chat.opening import open_chat
from rag.chat.presets import PRESETS
from rag.chat.scripted import ScriptedChat
from rag.config import ChatSettings
from rag.errors import ChatBroken, ChatError, ChatTimeout, ChatUnavailable, ConfigError
from rag.evidence import Evidence
from rag.prompt import DECLINED, Prompt, build_prompt
from rag.vocabulary import Chunk, Hit, Kind, Passage

KEY = "sk-0123456789abcdef"


def passage(
    number: int, content: str, *, kind: Kind = "text", heading: str = "", group: str = "", score: float = 1.0
) -> Passage:
    chunk = Chunk(
        id=str(number),
        source="a.md",
        title="",
        heading_path=(heading,) if heading else (),
        anchor="",
        kind=kind,
        position=number,
        group=group or str(number),
        start_line=number,
        end_line=number,
        content=content,
    )
    return Passage(number, Hit(chunk, score, 0.9, 0.5))


def prompt_of(*passages: Passage, idf: dict[str, float] | None = None) -> Prompt:
    return build_prompt(Evidence("什么是 Ollama？", "zh", passages, idf or {"ollama": 2.0}, 0.9))


PROMPT = prompt_of(passage(1, "Ollama 是平台。"))


async def said(chat: ChatModel, prompt: Prompt = PROMPT) -> list[str]:
    try:
        return [piece async for piece in chat.stream(prompt)]
    finally:
        await chat.close()


# --- extractive ------------------------------------------------------------------------------------------------------


def extracted(prompt: Prompt) -> str:
    return "".join(asyncio.run(said(ExtractiveChat(), prompt)))


def test_one_sentence_that_answers_is_quoted_alone_with_its_marker() -> None:
    text = "今天天气好。Ollama 是本地平台。别的事。"
    prompt = prompt_of(passage(1, "无关。", score=0.2), passage(2, text))
    assert extracted(prompt) == "Ollama 是本地平台。 [2]"


def test_units_of_one_block_that_match_alike_are_listed_in_reading_order() -> None:
    rows = ["层级: 第二层 › 内容: 视觉", "层级: 第二层 › 内容: 语言", "层级: 第三层 › 内容: 算法"]
    passages = [passage(n, row, kind="row", group="t", score=1 - n / 10) for n, row in enumerate(rows, 1)]
    passages = [
        replace(one, hit=replace(one.hit, chunk=replace(one.chunk, position=9 - one.number))) for one in passages
    ]
    assert extracted(prompt_of(*passages, idf={"第二": 1.0, "二层": 1.0})) == f"- {rows[1]} [2]\n- {rows[0]} [1]"


def test_a_tie_in_another_block_is_left_out() -> None:
    prompt = prompt_of(passage(1, "Ollama 是平台。"), passage(2, "Ollama 在别处。", score=0.5))
    assert extracted(prompt) == "Ollama 是平台。 [1]"


def test_a_question_for_a_heading_gets_the_whole_list_under_it() -> None:
    prompt = prompt_of(passage(1, "- Coze\n- Dify\n- Trae", kind="list", heading="Ollama 之外的平台"))
    assert extracted(prompt) == "- Coze [1]\n- Dify [1]\n- Trae [1]"


def test_a_long_list_is_cut_to_a_bearable_length() -> None:
    items = "\n".join(f"- item{number}" for number in range(100))
    assert extracted(prompt_of(passage(1, items, kind="list", heading="Ollama"))).count("\n") == 7


def test_without_passages_it_declines() -> None:
    assert extracted(prompt_of()) == DECLINED


def test_without_words_in_common_the_first_hit_is_quoted() -> None:
    prompt = prompt_of(passage(1, "The first."), passage(2, "The second.", score=0.9), idf={"unknown": 3.0})
    assert extracted(prompt) == "The first. [1]"


def test_a_question_without_terms_is_no_crash() -> None:
    evidence = Evidence("🙂", "en", (passage(1, "The first."),), {}, 0.9)
    assert extracted(build_prompt(evidence)) == "The first. [1]"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("学习路线", ["数学: 线性代数、概率统计、微积分", "自然语言处理: NLP"]),
        ("AIGC 开发平台有哪些？", ["Coze", "Cherry Studio", "Ollama", "Cloud Studio"]),
        ("第二层包含哪些内容？", ["语言大模型", "视觉大模型", "代码大模型", "本地定制化模型"]),
        ("Dify 的官网是什么？", ["https://dify.ai/zh"]),
    ],
)
def test_questions_to_the_shipped_knowledge_are_answered_with_markers(
    evidence_of: Callable[[str], Evidence], question: str, words: list[str]
) -> None:
    evidence = evidence_of(question)
    text = extracted(build_prompt(evidence))
    for word in words:
        line = next(line for line in text.split("\n") if word in line)
        number = int(line.rpartition("[")[2].rstrip("]"))
        assert word.split(":")[0] in evidence.passages[number - 1].chunk.content


# --- scripted --------------------------------------------------------------------------------------------------------


def test_the_scripted_model_says_its_pieces_and_keeps_what_it_was_asked() -> None:
    chat = ScriptedChat(["a", "b"])
    assert asyncio.run(said(chat)) == ["a", "b"]
    assert chat.prompts == [PROMPT]


def test_the_scripted_model_fails_after_its_pieces() -> None:
    async def run() -> list[str]:
        heard = []
        with pytest.raises(ChatTimeout):
            async for piece in ScriptedChat(["a"], error=ChatTimeout("late")).stream(PROMPT):
                heard.append(piece)
        return heard

    assert asyncio.run(run()) == ["a"]


# --- opening ---------------------------------------------------------------------------------------------------------


def opened(environment: dict[str, str] | None = None, **settings: Any) -> ChatModel:
    if "api_key" in settings:
        settings["api_key"] = SecretStr(settings["api_key"])
    return open_chat(ChatSettings(**settings), environment or {})


def endpoint(chat: ChatModel) -> tuple[str, str, str]:
    """Where the client goes, for which model, and with which key."""
    client = cast(OpenAIChat, chat)._client
    return str(client.base_url).rstrip("/"), cast(OpenAIChat, chat)._model, client.api_key


def test_without_key_and_address_nothing_is_asked_but_the_documents() -> None:
    for environment in ({}, {"DASHSCOPE_API_KEY": KEY, "OPENAI_API_KEY": KEY}):
        chat = opened(environment)
        assert (chat.name, chat.is_extractive) == ("extractive", True)


def test_a_key_alone_means_qwen() -> None:
    chat = opened(api_key=KEY)
    assert (chat.name, chat.is_extractive) == ("qwen/qwen-plus", False)
    assert endpoint(chat) == (PRESETS["qwen"].base_url, "qwen-plus", KEY)


def test_an_address_means_custom_with_or_without_a_key() -> None:
    assert opened(base_url="http://127.0.0.1:9/v1", model="m").name == "custom/m"
    chat = opened(base_url="http://127.0.0.1:9/v1", model="m", api_key=KEY)
    assert endpoint(chat) == ("http://127.0.0.1:9/v1", "m", KEY)


def test_extractive_can_be_asked_for_in_spite_of_a_key() -> None:
    assert opened(provider="extractive", api_key=KEY, base_url="http://x/v1").is_extractive


@pytest.mark.parametrize("provider", sorted(PRESETS))
def test_a_provider_has_its_usual_address_model_and_key_variable(provider: str) -> None:
    preset = PRESETS[provider]
    chat = opened({preset.key_variable: KEY}, provider=provider)
    assert chat.name == f"{provider}/{preset.model}"
    assert endpoint(chat)[:2] == (preset.base_url, preset.model)
    if preset.key_variable:
        assert endpoint(chat)[2] == KEY


def test_every_provider_that_can_be_set_can_be_opened() -> None:
    known = set(ChatSettings.model_fields["provider"].annotation.__args__)  # type: ignore[union-attr]
    assert known == {"auto", "extractive", "custom", *PRESETS}


def test_our_own_key_variable_wins_over_the_providers() -> None:
    assert endpoint(opened({"DEEPSEEK_API_KEY": "sk-other"}, provider="deepseek", api_key=KEY))[2] == KEY


def test_a_model_of_ones_own_wins_over_the_usual_one() -> None:
    assert opened(api_key=KEY, model="qwen-max").name == "qwen/qwen-max"


def test_a_local_server_needs_no_key() -> None:
    assert opened(provider="ollama").name == "ollama/qwen3:8b"


@pytest.mark.parametrize("provider", ["qwen", "siliconflow", "deepseek", "openai"])
def test_a_missing_key_is_an_error_that_names_both_variables(provider: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened({"UNRELATED": KEY}, provider=provider)
    message = str(caught.value)
    assert f"chat.provider: {provider} needs a key" in message
    assert "ZHIWEN_CHAT__API_KEY" in message
    assert PRESETS[provider].key_variable in message
    assert "extractive" in message


def test_custom_without_an_address_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"chat\.base_url is required .*ZHIWEN_CHAT__BASE_URL"):
        opened(provider="custom", model="m", api_key=KEY)


def test_an_address_without_a_model_is_an_error_that_names_the_variable() -> None:
    for provider in ("auto", "custom", "qwen"):
        with pytest.raises(ConfigError, match=r"chat\.model is required with the endpoint http://x/v1 .*CHAT__MODEL"):
            opened(provider=provider, base_url="http://x/v1", api_key=KEY)


def test_the_key_is_in_no_representation_and_no_message() -> None:
    chat = opened(api_key=KEY)
    assert KEY not in f"{chat!r} {chat} {chat.name} {vars(chat)!r}"
    with pytest.raises(ConfigError) as caught:
        opened(provider="custom", api_key=KEY)
    assert KEY not in "".join(traceback.format_exception(caught.value))


# --- OpenAI-compatible, against a server that plays a script ---------------------------------------------------------


@dataclass
class Call:
    """One request as the server saw it, and the means to answer it byte by byte."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: socket.socket
    released: threading.Event
    gone: threading.Event = field(default_factory=threading.Event)
    """Set once the client has closed the connection."""

    def head(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {content_type}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode())

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def part(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, payload: object) -> None:
        self.part(sse(payload))

    def say(self, text: str) -> None:
        self.event(chunk(text))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def whole(self, status: int, payload: object, content_type: str = "application/json", **headers: str) -> None:
        self.head(status, content_type, **headers)
        self.part(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        self.end()

    def hang(self) -> None:
        """Say nothing more until the client has gone or the test is over."""
        self.connection.settimeout(0.05)
        while not self.released.is_set():
            try:
                if not self.connection.recv(1):
                    self.gone.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.gone.set()
                return

    def reset(self) -> None:
        """Break the connection without a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()


Script = Callable[[Call], None]


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answers the first request by the first script, and so on; further requests by the last."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.calls: list[Call] = []
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast(ScriptedServer, self.server)
        path = self.rfile.readline().decode().split(" ")[1]
        lines = iter(lambda: self.rfile.readline().decode().strip(), "")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        call = Call(path, headers, body, self.connection, server.released)
        server.calls.append(call)
        try:
            server.scripts[min(len(server.calls), len(server.scripts)) - 1](call)
        except OSError:
            call.gone.set()


def sse(payload: object) -> bytes:
    return f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()


def chunk(text: str | None = None, finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def answers(*texts: str) -> Script:
    """A well-formed stream."""

    def script(call: Call) -> None:
        call.head()
        call.event(chunk(None) | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for text in texts:
            call.say(text)
        call.event(chunk(finish_reason="stop"))
        call.event("[DONE]")
        call.end()

    return script


def says(*payloads: object) -> Script:
    """A stream of these events, ended properly."""

    def script(call: Call) -> None:
        call.head()
        for payload in payloads:
            call.event(payload)
        call.end()

    return script


def refuses(status: int, payload: object = None, **headers: str) -> Script:
    return lambda call: call.whole(status, payload or {"error": {"message": "refused"}}, **headers)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def chat_with(server: ScriptedServer, *scripts: Script, key: str = KEY, **settings: Any) -> OpenAIChat:
    server.scripts = list(scripts)
    return OpenAIChat(
        ChatSettings(**{"total_timeout_seconds": 20, **settings}),
        name="custom/m",
        base_url=server.base_url,
        model="m",
        api_key=key,
    )


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
            async for piece in chat.stream(PROMPT):
                heard.append(piece)
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
    assert call.body["messages"] == [{"role": message.role, "content": message.content} for message in PROMPT.messages]


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
        async for piece in chat.stream(PROMPT):
            heard.append(piece)
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
            return [piece async for piece in chat.stream(PROMPT)]

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


@pytest.mark.parametrize("wait", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-5", "nan", ""])
def test_a_strange_time_to_wait_is_replaced_by_our_own(server: ScriptedServer, wait: str) -> None:
    chat = chat_with(server, refuses(429, Retry_After=wait), answers("好"))
    assert asyncio.run(said(chat)) == ["好"]


@pytest.mark.parametrize("wait", ["3600", "inf"])
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
        assert type(end.error) is ChatUnavailable
        assert "ZHIWEN_CHAT__API_KEY" in str(end.error)
        assert KEY not in str(end.error)
        assert len(server.calls) == 1


def test_an_unknown_model_or_path_is_named(server: ScriptedServer) -> None:
    end = failure(chat_with(server, refuses(404, {"error": {"message": "no such model"}})))
    assert type(end.error) is ChatUnavailable
    assert server.base_url in str(end.error)
    assert "chat.model" in str(end.error)
    assert len(server.calls) == 1


def test_a_request_that_is_refused_says_why_in_one_line(server: ScriptedServer) -> None:
    end = failure(chat_with(server, refuses(400, {"error": {"message": "context\nlength exceeded"}})))
    assert type(end.error) is ChatBroken
    assert "length exceeded" in str(end.error)
    assert "\n" not in str(end.error)
    assert len(server.calls) == 1


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
        end = failure(OpenAIChat(settings, name="custom/m", base_url=base_url, model="m", api_key=KEY))
    assert type(end.error) is ChatUnavailable
    assert f"custom/m at {base_url} cannot be reached" in str(end.error)


@pytest.mark.parametrize("base_url", ["http://does-not-exist.invalid/v1", "localhost:11434/v1", "ftp://127.0.0.1/v1"])
def test_an_address_that_leads_nowhere_is_named(base_url: str) -> None:
    settings = ChatSettings(max_attempts=1, first_token_timeout_seconds=10)
    end = failure(OpenAIChat(settings, name="custom/m", base_url=base_url, model="m", api_key=KEY))
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
    assert type(first.error) is ChatBroken
    assert len(server.calls) == 1
    server.calls.clear()
    later = failure(chat_with(server, says(chunk("一半"), broken, "{oops"), answers("不该问")))
    assert type(later.error) is ChatBroken
    assert later.heard == ["一半"]
    assert len(server.calls) == 1


def test_bytes_that_are_not_utf8_are_broken(server: ScriptedServer) -> None:
    def script(call: Call) -> None:
        call.head()
        call.part(b"data: \xff\xfe\n\n")
        call.end()

    assert type(failure(chat_with(server, script)).error) is ChatBroken


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
    "script",
    [
        lambda call: call.whole(200, b"<!doctype html><title>Login</title>", "text/html"),
        lambda call: call.whole(200, {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}),
        lambda call: call.whole(200, b"", "text/event-stream"),
        lambda call: call.whole(200, b"\n" * 1000, "text/plain"),
    ],
    ids=["HTML", "an answer in one piece", "nothing", "blank lines"],
)
def test_a_page_with_status_200_that_is_no_stream_is_broken(server: ScriptedServer, script: Script) -> None:
    end = failure(chat_with(server, script))
    assert type(end.error) is ChatBroken
    assert end.heard == []
    assert server.base_url in str(end.error)


def test_an_answer_that_the_provider_filtered_is_broken(server: ScriptedServer) -> None:
    end = failure(chat_with(server, says(chunk("一半"), chunk(finish_reason="content_filter"), "[DONE]")))
    assert type(end.error) is ChatBroken
    assert "content filter" in str(end.error)


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
        stream = cast(AsyncGenerator[str, None], chat.stream(PROMPT))
        assert await anext(stream) == "a"
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
            async for _ in chat.stream(PROMPT):
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
            async for _ in chat.stream(PROMPT):
                pass
        return await said(chat)

    assert asyncio.run(run()) == ["好"]
