"""Several chat models as one: who is asked when, for how long, and what is told about it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rag import errors
from rag.chat.fallback import OUTCOMES, FallbackChat
from rag.chat.protocol import ChatPiece, ChatStream, Finished, Message, ReasoningDelta, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatCircuitOpen,
    ChatError,
    ChatFiltered,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
)
from rag.settings import ChatSettings
from rag.types import Attempt
from tests.kit.chat import MESSAGES, heard
from tests.kit.virtual_time import VirtualTime


class Slow(ScriptedChat):
    """Says its pieces with a pause before each."""

    def __init__(self, pieces: Sequence[str | ChatPiece], *, pause_seconds: float, name: str = "slow") -> None:
        super().__init__(pieces, name=name)
        self._pause_seconds = pause_seconds
        self.closed = False

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        try:
            async for piece in super().stream(messages):
                await asyncio.sleep(self._pause_seconds)
                yield piece
        finally:
            self.closed = True


def chain(*models: ScriptedChat, clock: VirtualTime | None = None, **given: Any) -> FallbackChat:
    """The models in order, asked once each; all waiting is virtual if it goes by `clock`."""
    settings = ChatSettings(**{"max_attempts": 1, **given})
    return FallbackChat(models, settings, clock=clock or VirtualTime())


def listened(chat: FallbackChat, clock: VirtualTime | None = None) -> tuple[list[ChatPiece], ChatError | None]:
    return (clock or VirtualTime()).run(heard(chat))


def outcomes(pieces: Sequence[ChatPiece]) -> list[tuple[str, str]]:
    return [(piece.model, piece.outcome) for piece in pieces if isinstance(piece, Attempt)]


DOWN = ChatUnavailable("down")


def test_the_second_model_is_asked_when_the_first_fails_and_the_answer_names_it() -> None:
    first, second = ScriptedChat([], error=DOWN, name="a/1"), ScriptedChat(["好"], name="b/2")
    pieces, error = listened(chain(first, second))
    assert error is None
    assert [piece for piece in pieces if not isinstance(piece, Attempt)] == [TextDelta("好"), Finished("b/2")]
    assert outcomes(pieces) == [("a/1", "unavailable"), ("b/2", "answered")]
    assert first.requests == second.requests == [MESSAGES]


def test_the_second_model_is_not_asked_while_the_first_answers() -> None:
    second = ScriptedChat(["不该问"])
    pieces, _ = listened(chain(ScriptedChat(["好"]), second))
    assert TextDelta("好") in pieces
    assert second.requests == []


@pytest.mark.parametrize("kind", [kind for kind in OUTCOMES if kind is not ChatCircuitOpen])
def test_every_failure_before_the_text_leads_to_the_next_model(kind: type[ChatError]) -> None:
    first = ScriptedChat([ReasoningDelta("嗯")], error=kind("x"), name="first")
    pieces, error = listened(chain(first, ScriptedChat(["好"], name="second")))
    assert error is None
    assert outcomes(pieces) == [("first", OUTCOMES[kind]), ("second", "answered")]


def test_every_kind_of_failure_has_its_own_outcome() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChatError)]
    assert set(kinds) - {ChatError} == set(OUTCOMES)
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)


def test_after_the_first_text_a_failure_ends_the_answer_and_no_other_model_is_asked() -> None:
    second = ScriptedChat(["不该问"])
    pieces, error = listened(chain(ScriptedChat(["一半"], error=ChatBroken("half")), second))
    assert type(error) is ChatBroken
    assert TextDelta("一半") in pieces
    assert not any(isinstance(piece, Finished) for piece in pieces)
    assert second.requests == []


def test_when_all_fail_the_error_says_why_each_did() -> None:
    models = [ScriptedChat([], error=ChatAuthenticationError("no key")), ScriptedChat([], error=ChatTimeout("late"))]
    pieces, error = listened(chain(*models))
    assert isinstance(error, ChatUnavailable)
    assert "no key" in str(error)
    assert "late" in str(error)
    assert [outcome for _, outcome in outcomes(pieces)] == ["denied", "timeout"]


def test_the_error_of_the_only_model_is_the_error() -> None:
    _, error = listened(chain(ScriptedChat([], error=DOWN)))
    assert error is DOWN


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (ChatUnavailable("x"), 3),
        (ChatBusy("x"), 3),
        (ChatAuthenticationError("x"), 1),
        (ChatTimeout("x"), 1),
        (ChatBroken("x"), 1),
        (ChatRejected("x"), 1),
        (ChatUnavailable("x", retry_after_seconds=3600), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_failures_that_may_pass_are_tried_again(error: ChatError, calls: int) -> None:
    model, clock = ScriptedChat([], error=error), VirtualTime()
    listened(chain(model, clock=clock, max_attempts=3, total_timeout_seconds=10), clock)
    assert len(model.requests) == calls


def test_a_model_is_asked_again_after_the_time_that_it_asked_for() -> None:
    busy, clock = ScriptedChat([], error=ChatBusy("busy", retry_after_seconds=7)), VirtualTime()
    listened(chain(busy, clock=clock, max_attempts=3, total_timeout_seconds=60), clock)
    assert len(busy.requests) == 3
    assert clock.passed == 14


def test_waiting_between_attempts_counts_towards_the_total_deadline() -> None:
    down, clock = ScriptedChat([], error=DOWN), VirtualTime()
    pieces, error = listened(chain(down, clock=clock, max_attempts=10, total_timeout_seconds=1.5), clock)
    assert error is DOWN
    assert len(outcomes(pieces)) == len(down.requests) < 5
    assert clock.passed < 1.5


def test_a_model_that_asks_for_time_is_not_waited_for_while_another_could_be_asked() -> None:
    busy, clock = ScriptedChat([], error=ChatBusy("busy", retry_after_seconds=5), name="busy"), VirtualTime()
    _, error = listened(chain(busy, ScriptedChat(["好"]), clock=clock, max_attempts=3), clock)
    assert error is None
    assert len(busy.requests) == 1
    assert clock.passed == 0


def test_reasoning_is_a_token_after_which_the_same_model_is_not_tried_again() -> None:
    model = ScriptedChat([ReasoningDelta("嗯")], error=DOWN)
    listened(chain(model, max_attempts=3))
    assert len(model.requests) == 1


# Deadlines; those of one model are in test_timeouts.py


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"first_token_timeout_seconds": 3}, "chat.first_token_timeout_seconds"),
        ({"total_timeout_seconds": 3}, "chat.total_timeout_seconds"),
    ],
)
def test_a_model_that_is_too_slow_is_closed_and_the_next_one_asked_while_there_is_time(
    given: dict[str, float], setting: str
) -> None:
    slow, quick, clock = Slow(["晚"], pause_seconds=100), ScriptedChat(["好"]), VirtualTime()
    pieces, error = listened(chain(slow, quick, clock=clock, **given), clock)
    assert slow.closed
    assert clock.passed == 3
    first = next(piece for piece in pieces if isinstance(piece, Attempt))
    assert first.outcome == "timeout"
    assert setting in first.problem
    if "total_timeout_seconds" in given:
        assert isinstance(error, ChatTimeout)
        assert quick.requests == []
    else:
        assert error is None
        assert TextDelta("好") in pieces


def test_silence_during_an_answer_is_an_error_that_names_its_setting() -> None:
    clock = VirtualTime()
    stalling = Slow(["一半", "晚"], pause_seconds=10)
    pieces, error = listened(chain(stalling, clock=clock, idle_timeout_seconds=4), clock)
    assert TextDelta("一半") in pieces
    assert isinstance(error, ChatTimeout)
    assert "chat.idle_timeout_seconds" in str(error)
    assert clock.passed == 14


def test_closing_the_stream_closes_the_models_stream_at_once() -> None:
    slow = Slow(["a", "b"], pause_seconds=0)

    async def run() -> None:
        stream = chain(slow).stream(MESSAGES)
        assert await anext(stream) == TextDelta("a")
        await stream.aclose()
        assert slow.closed

    asyncio.run(run())


# Models that rest


def asked(chat: FallbackChat) -> tuple[str, ...]:
    """The outcomes of one question."""
    pieces, _ = listened(chat)
    return tuple(outcome for _, outcome in outcomes(pieces))


def test_a_model_that_keeps_failing_rests_and_is_tried_again_afterwards() -> None:
    clock = VirtualTime()
    chat = chain(
        ScriptedChat([], error=DOWN), ScriptedChat(["好"]), clock=clock, rest_after_failures=2, rest_seconds=30
    )
    assert [asked(chat) for _ in range(3)] == [
        ("unavailable", "answered"),
        ("unavailable", "answered"),
        ("resting", "answered"),
    ]
    clock.now += 29
    assert asked(chat) == ("resting", "answered")
    clock.now += 2
    assert asked(chat) == ("unavailable", "answered")
    assert asked(chat) == ("resting", "answered"), "one more failure sends it back"


def test_the_only_model_rests_too_instead_of_making_everybody_wait() -> None:
    model = ScriptedChat([], error=ChatTimeout("late"))
    chat = chain(model, rest_after_failures=1)
    assert asked(chat) == ("timeout",)
    _, error = listened(chat)
    assert isinstance(error, ChatCircuitOpen)
    assert "left alone" in str(error)
    assert len(model.requests) == 1


def test_an_answer_clears_the_failures_before_it() -> None:
    class Moody(ScriptedChat):
        async def stream(self, messages: Sequence[Message]) -> ChatStream:
            self.requests.append(tuple(messages))
            if len(self.requests) % 2:
                raise DOWN
            yield Finished(self.name)

    chat = chain(Moody([]), rest_after_failures=2)
    assert [asked(chat) for _ in range(6)] == [("unavailable",), ("answered",)] * 3


@pytest.mark.parametrize("kind", [ChatFiltered, ChatRejected])
def test_a_bad_question_does_not_send_the_model_to_rest(kind: type[ChatError]) -> None:
    chat = chain(ScriptedChat([], error=kind("x")), rest_after_failures=1)
    assert asked(chat) == asked(chat) == (OUTCOMES[kind],)


def test_attempts_at_one_question_are_one_failure() -> None:
    chat = chain(ScriptedChat([], error=DOWN), rest_after_failures=2, max_attempts=2)
    assert asked(chat) == ("unavailable", "unavailable")
    assert asked(chat) == ("unavailable", "unavailable")
    assert asked(chat) == ("resting",)


# All models together


def test_a_chain_is_named_after_its_models_and_holds_as_much_as_the_smallest() -> None:
    assert chain(ScriptedChat([], name="a/1"), ScriptedChat([], name="b/2")).name == "a/1 → b/2"
    assert chain(ScriptedChat([]), ScriptedChat([], context_tokens=4096)).context_tokens == 4096
    assert chain(ScriptedChat([])).context_tokens is None


def test_a_probe_asks_every_model_once_at_the_same_time_and_stops_at_the_first_token() -> None:
    clock = VirtualTime()
    models = [
        ScriptedChat([], error=ChatAuthenticationError("no key"), name="a/1"),
        Slow(["好"] * 9, pause_seconds=1, name="b/2"),
        Slow(["好"] * 9, pause_seconds=2, name="c/3"),
    ]
    found = clock.run(chain(*models, clock=clock, max_attempts=3).probe(MESSAGES))
    assert outcomes(found) == [("a/1", "denied"), ("b/2", "answered"), ("c/3", "answered")]
    assert [attempt.first_token_seconds for attempt in found] == [None, 1, 2]
    assert clock.passed == 2
    assert [len(model.requests) for model in models] == [1, 1, 1]
