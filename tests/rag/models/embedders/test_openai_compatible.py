"""An embedder behind an OpenAI-compatible endpoint: what it asks, what it tries again, and how it fails."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import EmbedderError, EmbedderUnavailable, TextsRefused
from rag.models.embedders.endpoint.background import THREAD_NAME
from rag.models.embedders.endpoint.document_calls import PLAIN_TEXT
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Matrix, Vector
from tests.kit.openai_scripts import embed_texts, embeddings, refuse_for, reply, vector_of
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


def test_a_server_on_this_machine_may_move_to_another_port_and_no_other_may() -> None:
    one = client_of("http://127.0.0.1:11434/v1")
    assert one.fingerprint == client_of("http://localhost:8080/v1").fingerprint
    assert one.fingerprint != client_of("http://127.0.0.1:11434/v2").fingerprint
    remote = client_of("http://10.0.0.9:8080/v1")
    assert len({one.fingerprint, remote.fingerprint, client_of("http://10.0.0.9:8081/v1").fingerprint}) == 3


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


TEXTS = [f"text {number}" for number in range(100)]


@pytest.fixture(scope="module")
def vectors() -> Matrix:
    """What `embed_texts` answers, of length 1."""
    rows = np.array([vector_of(text) for text in TEXTS])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_documents_are_embedded_in_several_calls_at_once(vectors: Matrix) -> None:
    all_are_there = threading.Barrier(8)

    def meet(call: Call) -> None:
        all_are_there.wait(60)
        embed_texts(call)

    with openai_server(meet) as server:
        matrix = client_of(server.base_url, batch_size=2).embed_documents(TEXTS[:16])
    assert np.array_equal(matrix, vectors[:16])


def test_more_calls_than_the_concurrency_are_never_sent() -> None:
    lock, in_flight, most = threading.Lock(), [0], [0]

    def count(call: Call) -> None:
        with lock:
            in_flight[0] += 1
            most[0] = max(most[0], in_flight[0])
        embed_texts(call)
        with lock:
            in_flight[0] -= 1

    with openai_server(count) as server:
        client_of(server.base_url, batch_size=1, concurrency=2).embed_documents(TEXTS)
        assert len(server.calls) == 100
    assert most[0] <= 2


def test_a_provider_that_is_not_known_gets_batches_of_32() -> None:
    with openai_server(embed_texts) as server:
        client_of(server.base_url, concurrency=1).embed_documents(TEXTS)
        assert [len(call.body["input"]) for call in server.calls] == [32, 32, 32, 4]


def test_the_batch_size_that_an_endpoint_teaches_is_kept(vectors: Matrix) -> None:
    with openai_server(at_most_ten) as server:
        embedder = client_of(server.base_url)
        assert np.array_equal(embedder.embed_documents(TEXTS), vectors)
        server.play(at_most_ten)
        embedder.embed_documents(TEXTS)
        assert [len(call.body["input"]) for call in server.calls] == [10] * 10


def at_most_ten(call: Call) -> None:
    """As DashScope does."""
    if len(call.body["input"]) > 10:
        call.reply(400, {"error": {"message": "batch size is invalid, it should not be larger than 10."}})
    else:
        embed_texts(call)


def test_a_refused_text_is_named_and_all_others_are_handed_over(vectors: Matrix) -> None:
    def refuse_one(call: Call) -> None:
        if "text 7" in call.body["input"]:
            call.reply(400, {"error": {"message": "inappropriate content"}})
        else:
            embed_texts(call)

    handed_over: dict[int, Vector] = {}
    with openai_server(refuse_one) as server, pytest.raises(TextsRefused) as caught:
        client_of(server.base_url).embed_documents(
            TEXTS, lambda positions, rows: handed_over.update(zip(positions, rows, strict=True))
        )
    assert caught.value.reasons == {7: "HTTP 400: inappropriate content"}
    assert "refused 1 of 100 texts, number 8 first (HTTP 400: inappropriate content)" in str(caught.value)
    assert sorted(handed_over) == [*range(7), *range(8, 100)]
    assert all(np.array_equal(vectors[position], row) for position, row in handed_over.items())


@pytest.mark.parametrize("recovers", [True, False])
def test_a_vector_that_is_no_use_is_asked_for_once_more(recovers: bool, vectors: Matrix) -> None:
    def spoil_one(call: Call) -> None:
        texts = call.body["input"]
        rows = [vector_of(text) for text in texts]
        if "text 3" in texts and not (recovers and len(texts) == 1):
            rows[texts.index("text 3")] = [0.0] * 4
        embeddings(*rows)(call)

    with openai_server(embed_texts) as server:
        embedder = client_of(server.base_url, concurrency=1)
        embedder.embed_documents(["something", "else"])
        server.play(spoil_one)
        if recovers:
            assert embedder.embed_documents(TEXTS[:20]) == pytest.approx(vectors[:20])
        else:
            with pytest.raises(TextsRefused) as caught:
                embedder.embed_documents(TEXTS[:20])
            assert caught.value.reasons == {3: "a vector that is zero or not finite"}
        assert [len(call.body["input"]) for call in server.calls] == [20, 1]


@pytest.mark.parametrize(
    "script",
    [
        reply(401, {"error": {"message": "no"}}),
        reply(404, {"error": {"message": "no such model"}}),
        reply(400, {"error": {"message": "no such model"}}),
        reply(200, b"<html>"),
    ],
)
def test_an_error_of_the_configuration_takes_a_few_calls(script: Script) -> None:
    with openai_server(script) as server:
        with pytest.raises(EmbedderError) as caught:
            client_of(server.base_url).embed_documents(TEXTS * 20)
        assert not isinstance(caught.value, TextsRefused)
        assert len(server.calls) <= 24


def test_the_caller_can_end_the_call_while_nothing_arrives() -> None:
    def give_up(positions: Sequence[int], rows: Matrix) -> None:
        assert (list(positions), len(rows)) == ([], 0)
        raise InterruptedError("cancelled")

    with openai_server(Call.hang) as server:
        with pytest.raises(InterruptedError):
            client_of(server.base_url, timeout_seconds=600).embed_documents(TEXTS, give_up)
        assert not embedding_threads()
        assert len(server.calls) == 7
        eventually(lambda: all(call.client_left.is_set() for call in server.calls))


def test_the_caller_can_end_the_call_in_mid_way_and_nothing_more_is_sent() -> None:
    def give_up(positions: Sequence[int], rows: Matrix) -> None:
        raise InterruptedError("cancelled")

    with openai_server(embed_texts, Call.hang) as server:
        with pytest.raises(InterruptedError):
            client_of(server.base_url, batch_size=1).embed_documents(TEXTS, give_up)
        assert not embedding_threads()
        eventually(lambda: server.connections == 0)
        assert len(server.calls) <= 9


def test_a_question_does_not_wait_for_documents() -> None:
    def hold_documents(call: Call) -> None:
        if call.body["input"] != ["a question"]:
            call.server.proceed.wait()
        embed_texts(call)

    with openai_server(hold_documents) as server, ThreadPoolExecutor(1) as pool:
        embedder = client_of(server.base_url, timeout_seconds=600)
        ingest = pool.submit(embedder.embed_documents, TEXTS)
        eventually(lambda: len(server.calls) >= 7)
        embedder.embed_query("a question")
        assert not ingest.done()
        server.proceed.set()
        assert len(ingest.result()) == 100


def embedding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


OUTCOMES = st.sampled_from(["works", "busy", "fails", "too large", "refuses", "spoils", "garbles"])


@settings(max_examples=40, deadline=None)
@given(outcomes=st.lists(OUTCOMES, max_size=12), texts=st.integers(1, 100), concurrency=st.integers(1, 4))
def test_whatever_happens_each_text_is_embedded_once_or_an_error_says_why_not(
    vectors: Matrix, outcomes: list[str], texts: int, concurrency: int
) -> None:
    script = Outcomes(outcomes)
    handed_over: dict[int, Vector] = {}

    def note(positions: Sequence[int], rows: Matrix) -> None:
        assert not handed_over.keys() & set(positions)
        handed_over.update(zip(positions, rows, strict=True))

    refused: dict[int, str] = {}
    try:
        with openai_server(script) as server:
            matrix = client_of(server.base_url, concurrency=concurrency).embed_documents(TEXTS[:texts], note)
        assert np.array_equal(matrix, vectors[:texts])
    except TextsRefused as error:
        refused = error.reasons
        assert all("scripted" in reason or "not finite" in reason for reason in refused.values())
        assert handed_over.keys() | refused.keys() == set(range(texts))
    except EmbedderError as error:
        assert {"garbles", "refuses", "spoils", "too large"} & set(outcomes)
        assert "without embeddings" in str(error) or "scripted" in str(error) or "not finite" in str(error)
    assert all(np.array_equal(vectors[position], row) for position, row in handed_over.items())
    assert not handed_over.keys() & refused.keys()
    assert set(script.embedded.values()) <= {1}


class Outcomes:
    """A script that goes wrong as it is told, call by call, and then works. Counts how often it embeds each text."""

    def __init__(self, outcomes: list[str]) -> None:
        self.embedded: Counter[str] = Counter()
        self._outcomes = iter(outcomes)
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> None:
        texts = call.body["input"]
        with self._lock:
            outcome = next(self._outcomes, "works")
            if outcome in {"works", "spoils"}:
                self.embedded.update(text for text in texts[outcome == "spoils" :] if text != PLAIN_TEXT)
        match outcome:
            case "busy":
                reply(429, Retry_After="0")(call)
            case "fails":
                reply(503, Retry_After="0")(call)
            case "too large":
                reply(400, {"error": {"message": f"scripted: batch size {len(texts)} is too large"}})(call)
            case "refuses":
                reply(400)(call)
            case "garbles":
                reply(200, b"<html>")(call)
            case "spoils":
                embed_texts_but_the_first(call)
            case _:
                embed_texts(call)


def embed_texts_but_the_first(call: Call) -> None:
    """A script: like `embed_texts`, but the first vector is zero."""
    embeddings([0.0] * 4, *map(vector_of, call.body["input"][1:]))(call)


def fault(embedder: OpenAIEmbedder, kind: type[EmbedderError] = EmbedderError) -> str:
    """The message of the error, which is one line and does not hold the key."""
    with pytest.raises(EmbedderError) as caught:
        embedder.embed_query("x")
    assert type(caught.value) is kind
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message + repr(caught.value) + repr(embedder) + str(vars(embedder))
    return message
