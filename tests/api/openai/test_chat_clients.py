"""Requests as chat clients send them, and answers read as those clients read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api.openai.client_tasks import ClientMessage, answer_client_task
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import PUBLIC_URL, Server

QUESTION = "向量数据库有哪些知名组件？"
PIECES = ("知名的向量数据库有 Milvus", " 和 PingCAP [", "1]。")
REQUESTS = Path(__file__).with_name("client_requests")


def recorded(name: str) -> dict[str, Any]:
    request: dict[str, Any] = json.loads((REQUESTS / f"{name}.json").read_text(encoding="utf-8"))
    return request


@dataclass
class Read:
    """The parts of an answer that a client shows."""

    text: str = ""
    sources: list[tuple[str, str]] = field(default_factory=list)
    usage: dict[str, int] | None = None


def frames(server: Server, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with server.client.stream("POST", "/v1/chat/completions", json=request) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line.removeprefix("data: "))


def as_open_webui_reads(server: Server, request: dict[str, Any]) -> Read:
    """Text, sources and usage from whatever frame they come in, but nothing from a frame without choices."""
    read = Read()
    for frame in frames(server, request):
        if not frame.get("choices"):
            continue
        delta = frame["choices"][0].get("delta", {})
        read.text += delta.get("content") or ""
        for annotation in delta.get("annotations") or []:
            if annotation.get("type") == "url_citation" and "url_citation" in annotation:
                cited = annotation["url_citation"]
                read.sources.append((cited.get("title", cited["url"]), cited["url"]))
        read.usage = frame.get("usage") or read.usage
    return read


def as_older_cherry_studio_reads(server: Server, request: dict[str, Any]) -> Read:
    """Only the first batch of annotations counts, and the text of a frame with annotations is ignored."""
    read = Read()
    for frame in frames(server, request):
        delta = frame["choices"][0]["delta"]
        if "annotations" in delta:
            if not read.sources:
                read.sources = [
                    (one["url_citation"]["title"], one["url_citation"]["url"]) for one in delta["annotations"]
                ]
            continue
        read.text += delta.get("content") or ""
    return read


@pytest.mark.parametrize(
    ("name", "read"),
    [("open_webui_chat", as_open_webui_reads), ("cherry_studio_chat", as_older_cherry_studio_reads)],
)
def test_a_client_shows_the_whole_text_and_all_sources(
    chat_endpoint: OpenAIServer, talking: Server, name: str, read: Any
) -> None:
    chat_endpoint.play(completion(*PIECES, "另见第三条 [3]。"))
    shown = read(talking, recorded(name))
    assert shown.text.startswith("知名的向量数据库有 Milvus 和 PingCAP [1]。另见第三条 [3]。")
    assert len(shown.sources) == 2
    for title, url in shown.sources:
        assert title.startswith("overview.md › ")
        assert url.startswith(f"{PUBLIC_URL}/docs/overview.md?lines=")
        assert f"]({url})" in shown.text


def test_open_webui_gets_the_usage_that_it_asks_for(chat_endpoint: OpenAIServer, talking: Server) -> None:
    chat_endpoint.play(completion(*PIECES))
    usage = as_open_webui_reads(talking, recorded("open_webui_chat")).usage
    assert usage is not None
    assert set(usage) == {"prompt_tokens", "completion_tokens", "total_tokens"}


# Requests that clients make for themselves

TITLE = "向量数据库有哪些知名组件？"
ASIDES = {
    "open_webui_title": {"title": TITLE},
    "open_webui_tags": {"tags": []},
    "open_webui_follow_ups": {"follow_ups": []},
    "open_webui_queries": {"queries": []},
    "cherry_studio_topic_name": TITLE,
    "chatbox_name": TITLE,
    "lobechat_title": TITLE,
    "librechat_title": TITLE,
    "nextchat_topic": TITLE,
    "rikkahub_suggestions": "",
    "page_assist_question": TITLE,
}


@pytest.mark.parametrize("name", ASIDES)
def test_requests_that_a_client_makes_for_itself_are_answered_without_a_search_or_a_model(
    chat_endpoint: OpenAIServer, talking: Server, name: str
) -> None:
    chat_endpoint.play(completion(*PIECES))
    request = recorded(name)
    expected = ASIDES[name]
    for stream in (False, True):
        if stream:
            text = as_open_webui_reads(talking, request | {"stream": True}).text
        else:
            response = talking.client.post("/v1/chat/completions", json=request | {"stream": False})
            assert response.status_code == 200, response.text
            text = response.json()["choices"][0]["message"]["content"]
        assert (text if isinstance(expected, str) else json.loads(text)) == expected
    assert chat_endpoint.calls == []


def test_every_recorded_request_is_tried() -> None:
    names = {path.stem for path in REQUESTS.glob("*.json")}
    assert names == ASIDES.keys() | {"open_webui_chat", "cherry_studio_chat"}


@pytest.mark.parametrize(
    "messages",
    [
        [ClientMessage("user", "怎么给一次会话起标题？总结一下。")],
        [ClientMessage("user", "### Task:\nWhat does this heading mean in our runbook?")],
        [ClientMessage("system", "你擅长总结和起标题。"), ClientMessage("user", QUESTION)],
        [
            ClientMessage("system", "Summarise documents under a title."),
            ClientMessage("user", "What is the title of the handbook?"),
        ],
        [ClientMessage("user", "Generate a title for the quarterly report [1].")],
        [ClientMessage("system", "你擅长总结和起标题。"), ClientMessage("user", "[1] 是什么意思？{x}")],
        [],
    ],
)
def test_the_question_of_a_person_is_never_taken_for_such_a_request(messages: list[ClientMessage]) -> None:
    assert answer_client_task(messages) is None


@pytest.mark.parametrize(
    ("transcript", "title"),
    [
        ("user: " + "长" * 50, "长" * 19 + "…"),
        ("user:\u3000 a \n b", "a"),
        ("[" * 5000 + '"role"', "[" * 19 + "…"),
        ('[{"role": "assistant", "content": "hi"}]', '[{"role": "assistan…'),
        ('{"role": "user", "content": ["parts"]}', '{"role": "user", "c…'),
        ('["role"]', '["role"]'),
    ],
)
def test_a_title_is_one_short_line_whatever_the_transcript(transcript: str, title: str) -> None:
    instructions = ClientMessage("system", "Summarize the conversation into a title.")
    assert answer_client_task([instructions, ClientMessage("user", transcript)]) == title
