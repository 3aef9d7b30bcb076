"""The measurement of an embedding endpoint counts what is lost and what is embedded twice."""

from bench.embedding_endpoint import Endpoint, serve_endpoint
from bench.remote_embedding import measure

TEXTS = [f"text {number}" for number in range(30)]


def test_all_texts_arrive_once_from_an_endpoint_that_is_small_and_busy() -> None:
    with serve_endpoint(Endpoint(most_texts=3, busy_every=5, retry_after="0")) as endpoint:
        run = measure("small and busy", endpoint, TEXTS, window=20, concurrency=4)
    assert (run.lost, run.embedded_twice) == (0, 0)
    assert {"200", "400", "429"} <= run.calls.keys()


def test_what_is_lost_or_embedded_twice_is_counted() -> None:
    with serve_endpoint(Endpoint()) as endpoint:
        endpoint.embedded["text 7"] += 1
        run = measure("counts", endpoint, TEXTS, window=20, concurrency=4)
        assert run.embedded_twice == 1
        assert sorted(endpoint.embedded) == sorted(TEXTS)
