"""A reranker behind an HTTP endpoint: what it asks, what it reads, and how it fails."""

import pytest

from rag.errors import ConfigError, RerankerError, RerankerTimeout, RerankerUnavailable
from rag.models.rerankers.protocol import Reranker
from tests.kit.openai_scripts import ranking, reply
from tests.kit.openai_server import Call, Script, openai_server
from tests.kit.rerankers import KEY, client_at, client_of, shared_words


def test_the_request_has_the_form_that_endpoints_agree_on() -> None:
    with openai_server(shared_words) as server:
        client_of(server).scores("a\0b \ud800", ["x", "y\0z"])
        assert [call.body for call in server.calls] == [{"model": "m", "query": "a b ?", "documents": ["x", "y z"]}]
        [call] = server.calls
        assert call.headers["authorization"] == f"Bearer {KEY}"
        assert call.path == "/v1/rerank"


@pytest.mark.parametrize("ending", ["/rerank", "/reranks", "/rerank/"])
def test_an_address_that_names_the_endpoint_is_taken_as_it_is(ending: str) -> None:
    with openai_server(shared_words) as server:
        client_of(server, base_url=server.base_url + ending).scores("a", ["a"])
        assert [call.path for call in server.calls] == [f"/v1{ending.rstrip('/')}"]


def test_without_a_key_none_is_sent() -> None:
    with openai_server(shared_words) as server:
        client_of(server, api_key="").scores("a", ["a"])
        assert "authorization" not in server.calls[0].headers


def test_results_one_level_down_are_found() -> None:
    with openai_server(reply(200, {"output": {"results": [{"index": 0, "relevance_score": 0.25}]}})) as server:
        assert client_of(server).scores("a", ["a"]) == [0.25]


def test_scores_that_are_not_yet_between_0_and_1_are_brought_there_in_their_order() -> None:
    with openai_server(ranking((0, -8.0), (1, 3.5), (2, 0.0), (3, -1e300))) as server:
        scores = client_of(server).scores("a", ["a"] * 4)
        assert scores == pytest.approx([0.000335, 0.970688, 0.5, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "list", "data": [{"index": 1, "relevance_score": 0.25}, {"index": 0, "relevance_score": 0.75}]},
        [{"index": 1, "score": 0.25}, {"index": 0, "score": 0.75}],
        {"rankings": [{"index": 0, "logit": 0.75}, {"index": 1, "logit": 0.25}]},
        {"results": [{"relevance_score": 0.75}, {"index": 1, "relevance_score": 0.25}]},
        {"results": [{"relevance_score": 0.75}, {"relevance_score": 0.25}]},
        {"scores": [0.75, 0.25]},
        [0.75, 0.25],
    ],
    ids=["Voyage", "TEI", "NVIDIA", "without the index 0", "without any index", "scores", "a bare list"],
)
def test_each_form_of_an_answer_is_understood(answer: object) -> None:
    with openai_server(reply(200, answer)) as server:
        assert client_of(server).scores("a", ["a", "b"]) == [0.75, 0.25]


@pytest.mark.parametrize(
    "complaint",
    [
        {"error": "Failed to deserialize the JSON body: missing field `texts`", "error_type": "validation"},
        {"detail": [{"type": "missing", "loc": ["body", "texts"], "msg": "Field required", "input": {"query": "a"}}]},
    ],
)
def test_an_endpoint_that_wants_texts_gets_them_now_and_later(complaint: object) -> None:
    with openai_server(reply(422, complaint), reply(200, [{"index": 0, "score": 0.5}])) as server:
        client = client_of(server)
        assert client.scores("a", ["b"]) == client.scores("a", ["b"]) == [0.5]
        assert ["texts" in call.body for call in server.calls] == [False, True, True]


BROKEN = {
    "HTML": (reply(200, b"<html>Sign in</html>"), "answered without scores (no JSON): '<html>Sign in"),
    "cut JSON": (reply(200, b'{"results": [{"ind'), "answered without scores"),
    "no JSON": (reply(200, b"\xff\x00"), "answered without scores"),
    "empty": (reply(200, b""), "answered without scores"),
    "another form": (reply(200, {"data": []}), "answered without scores"),
    "a chat answer": (reply(200, {"choices": [{"index": 0}]}), "answered without scores"),
    "too few": (ranking((0, 0.5)), "1 scores for 2 texts"),
    "too many": (ranking((0, 0.5), (1, 0.5), (2, 0.5)), "3 scores for 2 texts"),
    "one twice": (ranking((0, 0.5), (0, 0.5)), "not numbered from 0"),
    "counted from 1": (ranking((1, 0.5), (2, 0.5)), "not numbered from 0"),
    "negative": (ranking((-1, 0.5), (0, 0.5)), "not numbered from 0"),
    "NaN": (reply(200, b'{"results": [{"index": 0, "relevance_score": NaN}, {"index": 1, "relevance_score": 1}]}'), ""),
    "endless": (ranking((0, 0.5), (1, float("inf"))), ""),
    "null": (reply(200, b'{"results": [{"index": 0, "relevance_score": null}]}'), "answered without scores"),
    "enormous": (reply(200, b" " * 3_000_000), "answered with more than"),
    "busy": (reply(429, {"error": "slow down"}), "received too many requests (HTTP 429"),
    "broken": (reply(500, b"oops"), "failed (HTTP 500: oops)"),
    "bad gateway": (reply(502, b"<html>"), "failed (HTTP 502"),
    "elsewhere": (reply(302, b"", Location="https://example.org/"), "failed (HTTP 302"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_answer_is_an_error_of_one_line(case: str) -> None:
    script, message = BROKEN[case]
    with openai_server(script) as server:
        assert message in fault(client_of(server))
        assert len(server.calls) == 1


@pytest.mark.parametrize(("status", "way_out"), [(401, "RERANK__API_KEY"), (403, "RERANK__API_KEY"), (404, "base_url")])
def test_a_refusal_names_the_way_out_and_never_the_key(status: int, way_out: str) -> None:
    with openai_server(reply(status, {"message": f"the key {KEY} is wrong\nreally"})) as server:
        message = fault(client_of(server), RerankerUnavailable)
        assert way_out in message
        assert "the key *** is wrong" in message


def test_an_endpoint_that_is_not_there_cannot_be_reached() -> None:
    assert "cannot be reached" in fault(client_at("http://127.0.0.1:9/v1"), RerankerUnavailable)


@pytest.mark.parametrize("address", ["http://[::1", "http://a b/v1", "http://127.0.0.1:99999999/v1"])
def test_an_invalid_address_is_an_error_of_one_line(address: str) -> None:
    try:
        client = client_at(address)
    except ConfigError:
        return
    fault(client, RerankerUnavailable)


def drips(call: Call) -> None:
    call.head(content_type="application/json")
    call.drip(b" ")


@pytest.mark.parametrize("script", [Call.hang, drips])
def test_an_answer_that_does_not_come_is_given_up_in_time(script: Script) -> None:
    with openai_server(script) as server:
        assert "no answer within 0.3 s" in fault(client_of(server, timeout_seconds=0.3), RerankerTimeout)


def fault(reranker: Reranker, kind: type[RerankerError] = RerankerError) -> str:
    with pytest.raises(kind) as caught:
        reranker.scores("a", ["a", "b"])
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message
    return message
