"""The text of a model holds up nobody else: what takes longer to filter is not done on the event loop."""

import asyncio
import threading

import pytest

from rag.answering.compose import compose
from rag.answering.gathering import Gathered
from rag.chat.protocol import ChatPiece, ReasoningDelta
from rag.chat.scripted import ScriptedChat
from rag.checks.answer_verification import Verification
from rag.checks.text_gate import TextGate
from rag.retrieval.search import Retrieval
from tests.kit.chat import evidence_of, passage

LONG = 3000
"""Characters without an end of a line."""
SHORT = [piece for number in range(1000) for piece in (f"Ollama {number} ", "是平台 [1]。", "\n\n")]
"""No two lines are the same: a loop would be ended."""


@pytest.fixture
def filtered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """For each call of a filter: how many characters it may have to look at, and whether it ran on the event loop."""
    calls: list[tuple[int, bool]] = []
    feed, finish = TextGate.feed, TextGate.finish

    def note(gate: TextGate, text: str) -> None:
        calls.append((gate.unfinished_characters + len(text), threading.current_thread() is threading.main_thread()))

    def noted_feed(self: TextGate, text: str) -> str:
        note(self, text)
        return feed(self, text)

    def noted_finish(self: TextGate) -> str:
        note(self, "")
        return finish(self)

    monkeypatch.setattr(TextGate, "feed", noted_feed)
    monkeypatch.setattr(TextGate, "finish", noted_finish)
    return calls


def write(*pieces: str | ChatPiece) -> int:
    """Let a model write these pieces as an answer; return how often another task ran meanwhile."""
    evidence = evidence_of(passage(1, "Ollama 是平台。"))
    found = Gathered(Retrieval(evidence.question, 1, "", hits=()), evidence, seconds={})

    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def read() -> None:
        other = asyncio.create_task(take_turns())
        composing = compose(
            found,
            ScriptedChat(pieces),
            min_evidence=0,
            max_answer_tokens=100,
            verify=lambda text, passages: Verification(),
            quote=lambda evidence: None,
        )
        async for _ in composing:
            pass
        other.cancel()

    asyncio.run(read())
    return turns


@pytest.mark.parametrize(
    "pieces",
    [
        ["\\a" * LONG],
        ["[x](", *["\\a"] * LONG, "\n", "b"],
        [chr(ord("一") + number) for number in range(LONG)],
        ["https://a.example/", *["a"] * LONG, " ", "b\n"],
        [ReasoningDelta("<a "), *[ReasoningDelta("\\a")] * LONG, "text"],
    ],
    ids=["one piece", "one line", "no line", "an address", "reasoning"],
)
def test_long_text_is_filtered_in_a_thread(pieces: list[str | ChatPiece], filtered: list[tuple[int, bool]]) -> None:
    write(*pieces)
    assert max(characters for characters, _ in filtered) >= LONG
    assert not [characters for characters, on_loop in filtered if on_loop and characters >= 1000]


def test_ordinary_text_costs_no_thread(filtered: list[tuple[int, bool]]) -> None:
    write(*SHORT)
    assert len(filtered) >= 3000
    assert all(on_loop for _, on_loop in filtered)


def test_between_pieces_that_come_at_once_others_have_their_turn() -> None:
    assert write(*SHORT) >= len(SHORT)
