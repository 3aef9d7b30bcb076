"""The scripted server speaks the protocol as the official client understands it, and misbehaves as it is told."""

from collections.abc import Iterator

import openai
import pytest

from tests.kit.openai_scripts import completion, embeddings, events, ranking, refuse_for, reply
from tests.kit.openai_server import Call, OpenAIServer, openai_server
from tests.kit.waiting import eventually

MESSAGES = [{"role": "user", "content": "Who?"}]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


@pytest.fixture
def client(server: OpenAIServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
        yield client


def streamed(client: openai.OpenAI) -> list[str]:
    stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]


def test_an_answer_is_streamed_or_whole_as_the_client_asks(server: OpenAIServer, client: openai.OpenAI) -> None:
    server.play(completion("a", "b", tokens=(3, 2)))
    assert streamed(client) == ["", "a", "b", ""]
    whole = client.chat.completions.create(model="m", messages=MESSAGES)
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("ab", "stop")
    assert whole.usage
    assert whole.usage.total_tokens == 5
    assert [call.prompt for call in server.calls] == ["Who?", "Who?"]
    assert server.calls[0].path == "/v1/chat/completions"
    assert server.calls[0].headers["authorization"] == "Bearer none"


def test_each_request_gets_its_script_and_further_ones_the_last(server: OpenAIServer, client: openai.OpenAI) -> None:
    server.play(reply(503), events({"choices": []}), completion("c"))
    with pytest.raises(openai.InternalServerError):
        streamed(client)
    assert streamed(client) == []
    assert streamed(client) == streamed(client) == ["", "c", ""]
    server.play(completion("d"))
    assert server.calls == []
    assert streamed(client) == ["", "d", ""]


def test_vectors_and_rankings_come_over_a_connection_that_stays_open(
    server: OpenAIServer, client: openai.OpenAI
) -> None:
    server.play(embeddings([1.0, 2.0]), ranking((0, 0.5)))
    vectors = client.embeddings.create(model="m", input=["x"], encoding_format="float")
    assert vectors.data[0].embedding == [1.0, 2.0]
    assert client.post("/rerank", body={}, cast_to=object) == {"results": [{"index": 0, "relevance_score": 0.5}]}
    assert server.connections == 1
    client.close()
    eventually(lambda: server.connections == 0)


def test_a_held_answer_waits_until_it_may_go_on_and_a_leaving_client_is_noticed(
    server: OpenAIServer, client: openai.OpenAI
) -> None:
    server.play(completion("a", "b", holds_after=1, hangs=True))
    with client.chat.completions.create(model="m", messages=MESSAGES, stream=True) as stream:
        texts = (chunk.choices[0].delta.content for chunk in stream)
        assert [next(texts), next(texts)] == ["", "a"]
        server.proceed.set()
        assert next(texts) == "b"
        assert not server.client_left.is_set()
    assert server.client_left.wait(30)
    assert server.calls[0].client_left.is_set()


def test_an_answer_can_break_off_be_reset_or_drip(server: OpenAIServer, client: openai.OpenAI) -> None:
    def resets(call: Call) -> None:
        call.head()
        call.reset()

    def drips(call: Call) -> None:
        call.head()
        call.drip(b": nothing\n\n")

    server.play(completion("half", breaks_off=True), resets, drips)
    assert streamed(client) == ["", "half"]
    with pytest.raises(openai.APIConnectionError):
        streamed(client)
    client.chat.completions.create(model="m", messages=MESSAGES, stream=True).close()
    assert server.client_left.wait(30)


def test_a_rate_limit_refuses_whoever_comes_too_early(server: OpenAIServer, client: openai.OpenAI) -> None:
    server.play(refuse_for(0.2, completion("a")))
    with pytest.raises(openai.RateLimitError) as caught:
        streamed(client)
    assert caught.value.response.headers["retry-after"] == "0.2"
    eventually(lambda: _answers(client))


def _answers(client: openai.OpenAI) -> bool:
    try:
        return bool(streamed(client))
    except openai.RateLimitError:
        return False
