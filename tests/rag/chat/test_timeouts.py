"""Deadlines of an answer: until it begins, between two pieces, and for the whole of it."""

import asyncio
from collections.abc import Sequence

import pytest

from rag.chat.protocol import ChatPiece, ChatStream, Finished, Message, ReasoningDelta, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.chat.timeouts import Timeouts, enforce_timeouts
from rag.errors import ChatTimeout
from tests.kit.chat import MESSAGES, chat_at, failure
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import Call, OpenAIServer, Script, chunk, sse
from tests.kit.virtual_time import VirtualTime

FIRST = "chat.first_token_timeout_seconds"
IDLE = "chat.idle_timeout_seconds"
TOTAL = "chat.total_timeout_seconds"

# In virtual time


class Paced(ScriptedChat):
    """Says each piece after a pause."""

    def __init__(self, *paced: tuple[float, str | ChatPiece]) -> None:
        super().__init__([piece for _, piece in paced])
        self._pauses = [pause for pause, _ in paced]
        self.closed = False

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        pauses = iter(self._pauses)
        try:
            async for piece in super().stream(messages):
                await asyncio.sleep(next(pauses, 0))
                yield piece
        finally:
            self.closed = True


def listened(
    model: ScriptedChat, *, first: float = 2, idle: float = 1, total: float = 60, consumer_pause: float = 0
) -> tuple[list[ChatPiece], str, float]:
    """The pieces that came, the error's message, and how long it took."""
    clock = VirtualTime()

    async def listen() -> tuple[list[ChatPiece], str]:
        pieces = []
        try:
            async for piece in enforce_timeouts(
                model.stream(MESSAGES), Timeouts(first, idle), name="m", seconds_left=total
            ):
                pieces.append(piece)
                await asyncio.sleep(consumer_pause)
        except ChatTimeout as error:
            return pieces, str(error)
        return pieces, ""

    pieces, message = clock.run(listen())
    return pieces, message, clock.passed


def texts(pieces: Sequence[ChatPiece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


@pytest.mark.parametrize(
    ("paced", "heard", "setting", "after"),
    [
        ([(30, "late")], "", FIRST, 2),
        ([(1.9, "a"), (30, "late")], "a", IDLE, 2.9),
        ([(1.9, "a"), *[(0.9, "b")] * 99], "a" + "b" * 64, TOTAL, 60),
        ([(1.9, ReasoningDelta("hm")), (30, "late")], "", IDLE, 2.9),
    ],
    ids=["no beginning", "a stall", "no end", "a stall after a thought"],
)
def test_a_model_that_is_late_is_left_exactly_at_the_deadline_that_the_error_names(
    paced: list[tuple[float, str | ChatPiece]], heard: str, setting: str, after: float
) -> None:
    model = Paced(*paced)
    pieces, message, passed = listened(model)
    assert texts(pieces) == heard
    assert setting in message
    assert passed == pytest.approx(after)
    assert model.closed


def test_a_model_that_thinks_has_begun_to_answer() -> None:
    thinking = [(0.9, ReasoningDelta("hm"))] * 20
    pieces, message, _ = listened(Paced(*thinking, (0.9, "a")))
    assert (texts(pieces), message) == ("a", "")
    assert isinstance(pieces[-1], Finished)


def test_a_consumer_that_takes_its_time_is_not_held_against_the_model() -> None:
    pieces, message, passed = listened(Paced((0, "a"), (0, "b")), consumer_pause=5)
    assert (texts(pieces), message) == ("ab", "")
    assert passed == 15


def test_the_consumers_time_counts_towards_the_whole() -> None:
    pieces, message, _ = listened(Paced((0, "a"), (0, "b")), total=4, consumer_pause=5)
    assert texts(pieces) == "a"
    assert TOTAL in message


# Over sockets: whatever the server does, the deadline holds, and the connection is closed


def silent_after_the_head(call: Call) -> None:
    call.head()
    call.hang()


def keeps_alive(call: Call) -> None:
    call.head()
    call.drip(b": keep-alive\n\n")


def says_nothing(call: Call) -> None:
    call.head()
    call.drip(sse(chunk("")))


@pytest.mark.parametrize("script", [Call.hang, silent_after_the_head, keeps_alive, says_nothing])
def test_a_server_that_sends_no_token_is_left_at_the_first_deadline(server: OpenAIServer, script: Script) -> None:
    end = failure(chat_at(server, script, first_token_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert FIRST in str(end.error)
    assert len(server.calls) == 1, "it is not tried again"
    assert server.client_left.wait(30)


def test_a_server_that_stalls_in_mid_answer_is_left_at_the_idle_deadline(server: OpenAIServer) -> None:
    end = failure(chat_at(server, completion("一半", hangs=True), idle_timeout_seconds=0.5))
    assert type(end.error) is ChatTimeout
    assert IDLE in str(end.error)
    assert end.heard == ["一半"]
    assert len(server.calls) == 1, "it is not tried again"
    assert server.client_left.wait(30)


def drips(call: Call) -> None:
    call.head()
    call.drip(sse(chunk("滴")))


def floods(call: Call) -> None:
    call.head()
    while not call.server.closing.is_set():
        call.part(sse(chunk("x")) * 200)


@pytest.mark.parametrize("script", [drips, floods])
def test_an_answer_that_never_ends_is_left_at_the_total_deadline(server: OpenAIServer, script: Script) -> None:
    end = failure(chat_at(server, script, idle_timeout_seconds=30, total_timeout_seconds=1))
    assert type(end.error) is ChatTimeout
    assert TOTAL in str(end.error)
    assert end.heard
    assert len(server.calls) == 1
    assert server.client_left.wait(30)
