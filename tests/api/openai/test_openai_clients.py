"""The OpenAI-compatible API, used by clients that we did not write."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server

QUESTION = "向量数据库有哪些知名组件？"
NODE_CLIENT = Path(__file__).with_name("node_client")
PIECES = ("知名的向量数据库有 Milvus", " 和 PingCAP [", "1]。", "它们属于基础设施 [99]", "[1]。")
NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")
TEXT = "知名的向量数据库有 Milvus 和 PingCAP [1]。它们属于基础设施 [1]。"


@pytest.fixture(scope="module")
def client(talking: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{talking.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def asked(text: str = QUESTION) -> Any:
    return [{"role": "user", "content": text}]


# The openai package


def test_the_openai_client_reads_a_whole_answer_with_its_citations(
    chat_endpoint: OpenAIServer, client: openai.OpenAI
) -> None:
    chat_endpoint.play(completion(*PIECES, tokens=(700, 40)))
    done = client.chat.completions.create(model="zhiwen", messages=asked())
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (700, 40, 740)
    [choice] = done.choices
    assert choice.finish_reason == "stop"
    text = choice.message.content
    assert text is not None
    assert text.startswith(TEXT)
    [annotation] = choice.message.annotations or []
    cited = annotation.url_citation
    assert text[cited.start_index : cited.end_index] == "[1]"
    assert cited.url.startswith("https://kb.example.com/zhiwen/")
    assert "overview.md" in cited.url
    assert cited.title == "overview.md › 概述 › AI 工程架构"
    assert text.endswith(f"\n\n**来源**\n\n- [1] [overview.md › 概述 › AI 工程架构]({cited.url})")
    assert done.model == "zhiwen"


def test_the_openai_client_reads_a_stream_that_joins_to_the_whole_answer(
    chat_endpoint: OpenAIServer, client: openai.OpenAI
) -> None:
    chat_endpoint.play(completion(*PIECES, tokens=(700, 40)))
    whole = client.chat.completions.create(model="zhiwen", messages=asked())
    chunks = list(
        client.chat.completions.create(
            model="zhiwen", messages=asked(), stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 740


def test_the_async_openai_client_reads_both(chat_endpoint: OpenAIServer, talking: Server) -> None:
    chat_endpoint.play(completion(*PIECES))

    async def read() -> tuple[str | None, str]:
        async with openai.AsyncOpenAI(base_url=f"{talking.url}/v1", api_key="none", max_retries=0) as client:
            whole = await client.chat.completions.create(model="gpt-4o", messages=asked())
            stream = await client.chat.completions.create(model="gpt-4o", messages=asked(), stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return whole.choices[0].message.content, text

    whole, text = asyncio.run(read())
    assert whole == text
    assert text.startswith(TEXT)


def test_the_openai_client_accumulates_a_stream_into_a_completion(
    chat_endpoint: OpenAIServer, client: openai.OpenAI
) -> None:
    chat_endpoint.play(completion(*PIECES, thoughts=("先看 [1]",)))
    with client.chat.completions.stream(model="zhiwen", messages=asked()) as stream:
        done = stream.get_final_completion()
    message = done.choices[0].message
    assert (message.content or "").startswith(TEXT)
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == "先看 [1]"


def test_the_openai_client_finds_the_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["zhiwen"]
    assert client.models.retrieve("zhiwen").id == "zhiwen"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("Qwen/Qwen3-8B")
    assert caught.value.type == "not_found_error"


def test_the_openai_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="zhiwen", messages=[])
    assert caught.value.code == "invalid_request"
    with pytest.raises(openai.APIStatusError) as caught_too:
        client.chat.completions.create(model="zhiwen", messages=asked("长" * 5000))
    assert caught_too.value.status_code == 413
    assert caught_too.value.code == "question_too_long"


def test_an_answer_that_breaks_off_is_an_error_for_the_openai_client_too(
    chat_endpoint: OpenAIServer, client: openai.OpenAI
) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    with pytest.raises(openai.InternalServerError) as whole:
        client.chat.completions.create(model="zhiwen", messages=asked())
    assert whole.value.code == "chat_broken"
    read: list[str] = []
    with pytest.raises(openai.APIError) as streamed:
        for chunk in client.chat.completions.create(model="zhiwen", messages=asked(), stream=True):
            read.append(chunk.choices[0].delta.content or "")
    assert "".join(read).startswith("知名的向量数据库有 Milvus")
    assert streamed.value.code == "chat_broken"


# The AI SDK, which Chatbox and newer versions of Cherry Studio use


@pytest.fixture(scope="session")
def node_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client and the packages that its lock file names."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(NODE_CLIENT, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode and any(code in done.stderr for code in NO_REGISTRY):
        pytest.skip(f"npm reaches no registry: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return folder


def node(folder: Path, server: Server, mode: str) -> Any:
    """Run the client and return what it read."""
    command = ["node", "client.mjs", f"{server.url}/v1", mode, QUESTION]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_ai_sdk_reads_a_whole_answer(chat_endpoint: OpenAIServer, talking: Server, node_packages: Path) -> None:
    chat_endpoint.play(completion(*PIECES, thoughts=("先看 [1]",)))
    read = node(node_packages, talking, "generate")
    assert read["text"].startswith(TEXT)
    assert re.search(r"\n- \[1\] \[overview\.md › .*\]\(https://kb\.example\.com/zhiwen/\S+\)$", read["text"])
    assert read["reasoning"] == "先看 [1]"
    assert read["finishReason"] == "stop"


def test_the_ai_sdk_reads_a_stream(chat_endpoint: OpenAIServer, talking: Server, node_packages: Path) -> None:
    chat_endpoint.play(completion(*PIECES, thoughts=("先看", " [1]"), tokens=(700, 40)))
    read = node(node_packages, talking, "stream")
    assert (read["usage"]["inputTokens"], read["usage"]["outputTokens"]) == (700, 40)
    assert read["text"].startswith(TEXT)
    assert read["reasoning"] == "先看 [1]"
    assert read["finishReason"] == "stop"
    assert read["error"] is None


def test_the_ai_sdk_sees_that_a_stream_broke_off(
    chat_endpoint: OpenAIServer, talking: Server, node_packages: Path
) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    read = node(node_packages, talking, "stream")
    assert read["text"].startswith("知名的向量数据库有 Milvus")
    assert "broke off" in read["error"]


def test_the_ai_sdk_sees_that_an_answer_was_cut_off(
    chat_endpoint: OpenAIServer, talking: Server, node_packages: Path
) -> None:
    chat_endpoint.play(completion(*PIECES, finish_reason="length"))
    read = node(node_packages, talking, "stream")
    assert read["text"].startswith(TEXT)
    assert read["finishReason"] == "length"
