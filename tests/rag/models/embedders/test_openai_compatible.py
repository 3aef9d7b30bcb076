"""An embedder behind an OpenAI-compatible endpoint: what it asks, what it tries again, and how it fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.errors import EmbedderError, EmbedderUnavailable
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from tests.kit.openai_scripts import embeddings, refuse_for, reply
from tests.kit.openai_server import Call, Script, openai_server
from tests.kit.waiting import eventually

KEY = "sk-secret-0123456789"


def client_of(base_url: str, **options: object) -> OpenAIEmbedder:
    defaults: dict[str, object] = {"api_key": KEY, "model": "m", "timeout_seconds": 5, "max_attempts": 2}
    return OpenAIEmbedder(base_url=base_url, **{**defaults, **options})  # type: ignore[arg-type]


GOOD = embeddings([3.0, 4.0])


def test_constructing_asks_nothing_and_the_first_answer_teaches_the_dimension() -> None:
    with openai_server(embeddings([3.0, 4.0, 0.0])) as server:
        embedder = client_of(server.base_url)
        assert server.calls == []
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: embedder.dimension, range(8))) == {3}
        assert len(server.calls) == 1
        assert embedder.embed_query("x") == pytest.approx([0.6, 0.8, 0])


def test_vectors_are_put_in_the_order_of_their_index_and_questions_go_to_the_query_model() -> None:
    swapped = {"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]}
    with openai_server(reply(200, swapped), GOOD) as server:
        embedder = client_of(server.base_url, query_model="q")
        assert embedder.embed_documents(["a", "b"]).tolist() == [[1, 0], [0, 1]]
        embedder.embed_query("c")
        assert [call.body["model"] for call in server.calls] == ["m", "q"]
        assert server.calls[0].body["input"] == ["a", "b"]
        assert server.calls[0].body["encoding_format"] == "float"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    with openai_server(reply(status, {"error": {"message": "busy"}}), GOOD) as server:
        assert client_of(server.base_url).embed_query("x") == pytest.approx([0.6, 0.8])
        assert len(server.calls) == 2


def test_retry_after_is_waited_for() -> None:
    with openai_server(refuse_for(1, then=GOOD)) as server:
        client_of(server.base_url, timeout_seconds=30).embed_query("x")
        assert len(server.calls) == 2


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    with openai_server(reply(429, {}, Retry_After="Fri, 31 Dec 2999 23:59:59 GMT")) as server:
        assert "HTTP 429" in fault(client_of(server.base_url))
        assert len(server.calls) == 1


def test_a_lasting_failure_is_tried_max_attempts_times() -> None:
    with openai_server(reply(500, {"error": {"message": "out of\nmemory"}})) as server:
        message = fault(client_of(server.base_url, max_attempts=3))
        assert len(server.calls) == 3
        assert "after 3 attempts (HTTP 500: out of memory)" in message


def drips(call: Call) -> None:
    call.head()
    call.drip(b" ")


@pytest.mark.parametrize("script", [Call.hang, drips])
def test_a_silent_or_dripping_endpoint_meets_the_deadline(script: Script) -> None:
    with openai_server(script) as server:
        message = fault(client_of(server.base_url, timeout_seconds=0.5))
        assert "no answer within 0.5 s; raise embedding.timeout_seconds" in message


def test_an_answer_that_got_lost_is_asked_for_again() -> None:
    with openai_server(None, GOOD) as server:
        assert client_of(server.base_url, timeout_seconds=2).embed_query("x") == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            reply(200, b"<html><h1>Sign in</h1></html>"),
            "HTTP 200 without embeddings, beginning with '<html><h1>Sign in",
        ),
        (reply(200, b""), "HTTP 200 without embeddings"),
        (reply(200, {"error": {"message": "no"}}), "HTTP 200 without embeddings"),
        (embeddings(), "0 vectors for 1 texts"),
        (embeddings([1.0], [1.0]), "2 vectors for 1 texts"),
        (reply(200, {"data": [{"index": 7, "embedding": [1.0]}]}), "not numbered from 0"),
        (embeddings([]), "different lengths: [0]"),
        (embeddings([0.0, 0.0]), "zero or not finite"),
        (embeddings([float("nan"), 1.0]), "zero or not finite"),
        (embeddings([1e308, 1e308]), "zero or not finite"),
    ],
)
def test_an_answer_that_is_not_one_sound_vector_per_text_is_an_error(script: Script, complaint: str) -> None:
    with openai_server(script) as server:
        assert complaint in fault(client_of(server.base_url))
        assert len(server.calls) == 1


def test_a_change_of_dimension_is_an_error() -> None:
    with openai_server(GOOD, embeddings([1.0, 2.0, 2.0])) as server:
        embedder = client_of(server.base_url)
        embedder.embed_query("x")
        message = fault(embedder)
        assert "vectors of 3 numbers" in message
        assert "2 before" in message


@pytest.mark.parametrize(
    ("status", "way_out"),
    [(401, "ZHIWEN_EMBEDDING__API_KEY"), (403, "ZHIWEN_EMBEDDING__API_KEY"), (404, "check embedding.model")],
)
def test_a_refused_key_or_unknown_model_is_unavailable_at_once(status: int, way_out: str) -> None:
    with openai_server(reply(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})) as server:
        message = fault(client_of(server.base_url), EmbedderUnavailable)
        assert len(server.calls) == 1
        assert f"{server.base_url}, model m" in message
        assert way_out in message


def test_a_bad_request_is_not_repeated() -> None:
    with openai_server(reply(400, {"message": "batch size must be at most 10"})) as server:
        assert "HTTP 400: batch size must be at most 10" in fault(client_of(server.base_url))
        assert len(server.calls) == 1


def test_an_endpoint_where_nothing_listens_is_unavailable() -> None:
    message = fault(client_of("http://127.0.0.1:9/v1"), EmbedderUnavailable)
    assert "http://127.0.0.1:9/v1" in message
    assert "embedding.provider: builtin" in message


def test_the_key_is_neither_in_the_fingerprint_nor_that_of_another_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "meant-for-somebody-else")
    one, other = client_of("http://127.0.0.1:9/v1"), client_of("http://127.0.0.1:9/v1/", api_key="")
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != client_of("http://127.0.0.1:9/v1", query_model="q").fingerprint
    with openai_server(GOOD) as server:
        assert client_of(server.base_url, api_key="").embed_query("x") == pytest.approx([0.6, 0.8])
        assert [call.headers["authorization"] for call in server.calls] == ["Bearer no-key"]


def test_an_embedder_that_is_dropped_closes_its_connections() -> None:
    with openai_server(GOOD) as server:
        embedder = client_of(server.base_url)
        embedder.embed_query("x")
        assert server.connections == 1
        del embedder
        eventually(lambda: server.connections == 0)


def fault(embedder: OpenAIEmbedder, kind: type[EmbedderError] = EmbedderError) -> str:
    """The message of the error, which is one line and does not hold the key."""
    with pytest.raises(EmbedderError) as caught:
        embedder.embed_query("x")
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message + repr(caught.value) + repr(embedder) + str(vars(embedder))
    return message
