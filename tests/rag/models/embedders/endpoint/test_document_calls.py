"""The calls that embed many documents, in virtual time: what is repeated, waited for, cut in two and refused."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from rag.errors import EmbedderError
from rag.models.embedders.endpoint.batches import BatchSize
from rag.models.embedders.endpoint.document_calls import (
    MOST_REFUSALS_WITHOUT_VECTORS,
    MOST_SECONDS_WITHOUT_VECTORS,
    PLAIN_TEXT,
    DocumentCalls,
    Embedded,
)
from rag.models.embedders.endpoint.failures import Failure, Kind
from rag.models.embedders.endpoint.pace import Pace
from rag.models.embedders.protocol import Matrix
from tests.kit.virtual_time import VirtualTime

Answer = Callable[[Sequence[str]], Failure | None]
"""What goes wrong with a batch; None if nothing does."""


def fails(kind: Kind, retry_after_seconds: float | None = None) -> Failure:
    return Failure("the endpoint", kind, f"it is {kind.name}", 499, retry_after_seconds)


@dataclass
class Endpoint:
    """Takes a second for each call, and gives text number n the vector (n, 1)."""

    answer: Answer = lambda _: None
    clock: VirtualTime = field(default_factory=VirtualTime)
    sent: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    embedded: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0

    async def __call__(self, texts: Sequence[str]) -> Matrix | Failure:
        self.sent.append((self.clock.passed, tuple(texts)))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(1)
        self.in_flight -= 1
        failure = self.answer(texts)
        if failure:
            return failure
        self.embedded.update(texts)
        return np.array([[0.0 if text == PLAIN_TEXT else float(text), 1.0] for text in texts], dtype=np.float32)


def embed(
    endpoint: Endpoint, texts: int, *, most_texts: int = 32, concurrency: int = 4, max_attempts: int = 4
) -> tuple[dict[int, list[float]], dict[int, str], BatchSize]:
    """The vectors and the reasons of refusals, by number of the text, and the batch size that was learned."""
    vectors: dict[int, list[float]] = {}

    def emit(embedded: Embedded) -> None:
        assert not vectors.keys() & set(embedded.positions)
        vectors.update(zip(embedded.positions, embedded.vectors.tolist(), strict=True))

    size = BatchSize(most_texts, 1e9)
    calls = DocumentCalls(
        [str(number) for number in range(texts)],
        ask=endpoint,
        emit=emit,
        size=size,
        pace=Pace(concurrency, endpoint.clock),
        max_attempts=max_attempts,
    )
    endpoint.clock.run(calls.run())
    assert all(vectors[number] == [number, 1] for number in vectors)
    assert all(count == 1 for text, count in endpoint.embedded.items() if text != PLAIN_TEXT)
    return vectors, calls.refusals, size


def test_calls_run_at_once_up_to_the_concurrency_and_each_text_is_sent_once() -> None:
    endpoint = Endpoint()
    vectors, refusals, _ = embed(endpoint, 1000, most_texts=10)
    assert (sorted(vectors), refusals) == (list(range(1000)), {})
    assert endpoint.most_in_flight == 4
    assert len(endpoint.sent) == 100
    assert endpoint.clock.passed == 25


def test_a_few_texts_are_spread_over_all_calls() -> None:
    endpoint = Endpoint()
    embed(endpoint, 80, most_texts=128)
    assert [len(texts) for _, texts in endpoint.sent] == [20, 20, 20, 20]


def test_a_busy_endpoint_is_left_alone_by_all_calls_for_as_long_as_it_asks() -> None:
    answers = iter([fails(Kind.BUSY, 100)])
    endpoint = Endpoint(lambda _: next(answers, None))
    vectors, _, _ = embed(endpoint, 100, most_texts=10)
    assert len(vectors) == 100
    assert not [at for at, _ in endpoint.sent if 1 <= at < 101]


def test_a_busy_endpoint_is_asked_by_fewer_calls_afterwards() -> None:
    answers = iter([fails(Kind.BUSY)])
    endpoint = Endpoint(lambda _: next(answers, None))
    embed(endpoint, 100, most_texts=10)
    first, *later = sorted({at for at, _ in endpoint.sent if at > 0})
    probes = [texts for at, texts in endpoint.sent if at == first]
    assert len(probes) == len(probes[0]) == 1, "one text finds out whether it goes on"
    assert sum(at == later[0] for at, _ in endpoint.sent) == 3


@pytest.mark.parametrize("kind", [Kind.BUSY, Kind.TEMPORARY])
def test_an_endpoint_that_stays_away_ends_the_run_after_a_while_without_a_vector(kind: Kind) -> None:
    endpoint = Endpoint(lambda _: fails(kind))
    with pytest.raises(EmbedderError, match=r"gave no vectors for \d+ s.*\(it is .*lower embedding.concurrency"):
        embed(endpoint, 100)
    assert MOST_SECONDS_WITHOUT_VECTORS / 2 < endpoint.clock.passed < MOST_SECONDS_WITHOUT_VECTORS + 5


def test_the_while_begins_again_with_each_vector() -> None:
    endpoint = Endpoint()
    endpoint.answer = lambda _: fails(Kind.BUSY, 100) if len(endpoint.sent) % 3 else None
    vectors, _, _ = embed(endpoint, 100, most_texts=10, concurrency=1)
    assert len(vectors) == 100
    assert endpoint.clock.passed > 2 * MOST_SECONDS_WITHOUT_VECTORS


def test_a_longer_wait_than_that_is_not_begun() -> None:
    endpoint = Endpoint(lambda _: fails(Kind.BUSY, 86_400))
    with pytest.raises(EmbedderError, match="gave no vectors for 1 s, and the next call is due in 86400 s"):
        embed(endpoint, 100)
    assert endpoint.clock.passed == 1


def test_a_batch_that_is_too_large_is_halved_and_that_is_remembered() -> None:
    endpoint = Endpoint(lambda texts: fails(Kind.TOO_MANY_TEXTS) if len(texts) > 9 else None)
    vectors, refusals, size = embed(endpoint, 300)
    assert (len(vectors), refusals, size.texts) == (300, {}, 8)
    assert sum(len(texts) > 8 for _, texts in endpoint.sent) <= 8


def test_a_batch_of_too_many_tokens_is_halved_and_that_is_remembered() -> None:
    endpoint = Endpoint(lambda texts: fails(Kind.TOO_MANY_TOKENS) if len(texts) > 9 else None)
    vectors, refusals, size = embed(endpoint, 300)
    assert (len(vectors), refusals, size.texts) == (300, {}, 32)
    assert sum(len(texts) > 9 for _, texts in endpoint.sent) <= 8


def test_a_text_that_is_too_large_alone_is_refused() -> None:
    endpoint = Endpoint(lambda texts: fails(Kind.TOO_MANY_TOKENS) if "77" in texts else None)
    vectors, refusals, _ = embed(endpoint, 100)
    assert (len(vectors), refusals) == (99, {77: "it is TOO_MANY_TOKENS"})


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TEMPORARY])
def test_the_texts_at_fault_are_found_and_no_others(kind: Kind) -> None:
    bad = {"0", "31", "32", "77"}
    endpoint = Endpoint(lambda texts: fails(kind) if bad & set(texts) else None)
    vectors, refusals, _ = embed(endpoint, 100)
    assert sorted(refusals) == [0, 31, 32, 77]
    assert sorted(vectors) == sorted(set(range(100)) - {0, 31, 32, 77})


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TOO_MANY_TEXTS])
def test_an_endpoint_that_refuses_everything_is_found_out_in_a_few_calls(kind: Kind) -> None:
    endpoint = Endpoint(lambda _: fails(kind))
    with pytest.raises(EmbedderError, match="the endpoint, failed"):
        embed(endpoint, 10_000)
    assert len(endpoint.sent) <= 30


def test_an_endpoint_that_stops_working_in_the_middle_does_not_refuse_the_other_texts() -> None:
    endpoint = Endpoint()
    endpoint.answer = lambda _: fails(Kind.REFUSED) if len(endpoint.sent) > 100 else None
    with pytest.raises(EmbedderError, match="the endpoint, failed"):
        embed(endpoint, 10_000)
    assert len(endpoint.sent) <= 130


def test_a_plain_text_alone_does_not_prove_that_the_texts_are_at_fault() -> None:
    endpoint = Endpoint(lambda texts: fails(Kind.REFUSED) if list(texts) != [PLAIN_TEXT] else None)
    with pytest.raises(EmbedderError, match=r"refused the first 100 texts .*check embedding.model"):
        embed(endpoint, 10_000)
    assert len(endpoint.sent) <= 5 * MOST_REFUSALS_WITHOUT_VECTORS


def test_a_document_of_refused_texts_only_is_no_error_of_the_endpoint() -> None:
    endpoint = Endpoint(lambda texts: fails(Kind.REFUSED) if list(texts) != [PLAIN_TEXT] else None)
    vectors, refusals, _ = embed(endpoint, 20)
    assert (vectors, sorted(refusals)) == ({}, list(range(20)))


def test_an_outage_that_passes_refuses_nothing() -> None:
    endpoint = Endpoint()
    endpoint.answer = lambda _: fails(Kind.TEMPORARY) if 2 < endpoint.clock.passed < 120 else None
    vectors, refusals, _ = embed(endpoint, 1000)
    assert (len(vectors), refusals) == (1000, {})


def test_a_refused_key_ends_the_run_at_once_and_nothing_more_is_sent() -> None:
    endpoint = Endpoint(lambda _: fails(Kind.FINAL))
    with pytest.raises(EmbedderError):
        embed(endpoint, 1000)
    assert len(endpoint.sent) == 4
