"""Hits put in order by a reranker, and hits that survive its failure."""

from collections.abc import Sequence

import pytest

from rag.errors import RerankerError, RerankerTimeout, RerankerUnavailable
from rag.models.rerankers.time_limit import TimeLimitedReranker
from rag.retrieval.rerank import rerank
from rag.types import Chunk, Hit
from tests.kit.openai_server import Call, openai_server
from tests.kit.rerankers import client_of


class Told:
    """Gives the scores it is told to, and remembers the texts."""

    name = "told"

    def __init__(self, *scores: float, error: Exception | None = None) -> None:
        self.texts: list[str] = []
        self._scores = list(scores)
        self._error = error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.texts += texts
        if self._error:
            raise self._error
        return self._scores


def hit(name: str, score: float) -> Hit:
    chunk = Chunk(name, f"{name}.md", "Title", (), "", "text", 0, name, 1, 1, f"content of {name}")
    return Hit(chunk, score, cosine=0.5, coverage=0.5)


HITS = [hit("a", 1.0), hit("b", 0.9), hit("c", 0.8), hit("d", 0.4), hit("e", 0.0)]


def test_the_first_hits_are_put_in_order_and_the_others_stay_behind_them() -> None:
    told = Told(0.2, 0.9, 0.2)
    reranked = rerank("q", HITS, told, candidates=3)
    assert [(one.chunk.id, one.score) for one in reranked.hits] == [
        ("b", 0.9),
        ("a", 0.2),
        ("c", 0.2),
        ("d", pytest.approx(0.08)),
        ("e", 0.0),
    ]
    assert reranked.warning == ""
    assert told.texts == ["Title\ncontent of a", "Title\ncontent of b", "Title\ncontent of c"]
    assert {one.cosine for one in reranked.hits} == {0.5}


def test_no_hits_are_not_sent() -> None:
    told = Told(error=RerankerError("asked"))
    assert rerank("q", [], told, candidates=3).hits == ()
    assert rerank("q", [], told, candidates=3).warning == ""


@pytest.mark.parametrize("kind", [RerankerError, RerankerUnavailable, RerankerTimeout])
def test_a_failure_leaves_the_hits_as_they_were_with_a_warning_of_one_line(kind: type[RerankerError]) -> None:
    reranked = rerank("q", HITS, Told(error=kind("the thing\nfailed")), candidates=3)
    assert reranked.hits == tuple(HITS)
    assert reranked.warning == "not reranked: the thing failed"


def test_an_endpoint_that_hangs_costs_the_deadline_once_and_then_nothing() -> None:
    with openai_server(Call.hang) as server:
        limited = TimeLimitedReranker(client_of(server, timeout_seconds=30), timeout_seconds=0.3)
        warnings = []
        for _ in range(20):
            reranked = rerank("q", HITS, limited, candidates=3)
            assert reranked.hits == tuple(HITS)
            warnings.append(reranked.warning)
        assert len(server.calls) == 1
    assert "did not answer within 0.3 s" in warnings[0]
    assert all("still busy with an earlier question" in warning for warning in warnings[1:])
