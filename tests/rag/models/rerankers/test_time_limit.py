"""A reranker that is held to a deadline, also while calls wait for each other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.errors import RerankerError, RerankerTimeout
from rag.models.rerankers.time_limit import TimeLimitedReranker
from tests.kit.waiting import eventually


class Scorer:
    """Gives the length of each text, as soon as it may go on; raises what it is told to."""

    name = "scorer/lengths"

    def __init__(self, error: Exception | None = None) -> None:
        self.may_go_on = threading.Event()
        self.calls = 0
        self._error = error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.calls += 1
        self.may_go_on.wait(20)
        if self._error:
            raise self._error
        return [len(text) / 100 for text in texts]


@pytest.fixture
def held() -> Iterator[Callable[..., Scorer]]:
    """Makes scorers, and lets all of them go on in the end."""
    made: list[Scorer] = []

    def make(error: Exception | None = None) -> Scorer:
        made.append(Scorer(error))
        return made[-1]

    yield make
    for scorer in made:
        scorer.may_go_on.set()


def test_scores_that_are_ready_in_time_are_handed_on(held: Callable[..., Scorer]) -> None:
    scorer = held()
    scorer.may_go_on.set()
    limited = TimeLimitedReranker(scorer, timeout_seconds=5)
    assert limited.name == scorer.name
    assert [limited.scores("q", ["ab", "c"]) for _ in range(3)] == [[0.02, 0.01]] * 3


@pytest.mark.parametrize("error", [RerankerError("out of memory"), KeyError("a mistake of ours")], ids=repr)
def test_an_error_is_handed_on_and_the_next_call_goes_through(error: Exception, held: Callable[..., Scorer]) -> None:
    scorer = held(error)
    scorer.may_go_on.set()
    limited = TimeLimitedReranker(scorer, timeout_seconds=5)
    for _ in range(2):
        with pytest.raises(type(error)):
            limited.scores("q", ["a"])


def test_calls_behind_one_whose_time_is_up_are_refused_without_waiting_until_it_ends(
    held: Callable[..., Scorer],
) -> None:
    scorer = held()
    limited = TimeLimitedReranker(scorer, timeout_seconds=0.2)
    with pytest.raises(RerankerTimeout, match=r"did not answer within 0\.2 s"):
        limited.scores("q", ["a"])
    for _ in range(50):  # a call that waits for its own time to be over ends with another message
        with pytest.raises(RerankerTimeout, match="still busy with an earlier question"):
            limited.scores("q", ["a"])
    assert scorer.calls == 1
    scorer.may_go_on.set()
    assert eventually(lambda: _scores_if_free(limited)) == [0.01]


def _scores_if_free(limited: TimeLimitedReranker) -> list[float]:
    try:
        return limited.scores("q", ["a"])
    except RerankerTimeout:
        return []


def test_calls_at_the_same_time_wait_for_each_other_within_their_deadline(held: Callable[..., Scorer]) -> None:
    scorer = held()
    limited = TimeLimitedReranker(scorer, timeout_seconds=10)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(limited.scores, "q", ["a"]) for _ in range(4)]
        eventually(lambda: scorer.calls)
        assert scorer.calls == 1
        scorer.may_go_on.set()
        assert [one.result() for one in waiting] == [[0.01]] * 4
