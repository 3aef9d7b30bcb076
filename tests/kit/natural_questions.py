"""Natural questions with what is expected of their answers: reading them, asking them, judging the answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ingest.sync import ingest
from rag.answering.answer import final_answer
from rag.answering.history import Turn
from rag.settings import AnsweringSettings, KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.types import Answer
from rag.wiring import Services
from tests.kit.paths import ROOT

FOLDERS = {
    "overview": ROOT / "knowledge",
    "handbook": ROOT / "tests/fixtures/handbook",
    "manual": ROOT / "tests/fixtures/manual",
}
_ASIDE = 3
"""Every third question of a file is set aside."""


@dataclass(frozen=True)
class NaturalQuestion:
    """A question of tests/natural_questions/; its README says what the keys mean."""

    kind: str
    question: str
    after: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]
    reason: str
    is_aside: bool


@dataclass(frozen=True)
class Judged:
    """A question, its answer, and what is wrong with it, "" if nothing is."""

    asked: NaturalQuestion
    answer: Answer
    fault: str


def read_questions(name: str) -> list[NaturalQuestion]:
    """Return the questions to a folder of FOLDERS."""
    entries = yaml.safe_load((ROOT / f"tests/natural_questions/{name}.yaml").read_text(encoding="utf-8"))
    return [
        NaturalQuestion(
            kind=entry["kind"],
            question=entry["q"],
            after=tuple(entry.get("after", ())),
            facts=tuple(tuple(fact) if isinstance(fact, list) else (fact,) for fact in entry.get("has", ())),
            forbidden=tuple(entry.get("not", ())),
            reason=entry.get("reason", ""),
            is_aside=number % _ASIDE == _ASIDE - 1,
        )
        for number, entry in enumerate(entries)
    ]


def settings_of(name: str, database: Path) -> Settings:
    """Return the settings of an index of one folder, without a chat model."""
    return Settings(
        knowledge=KnowledgeSettings(path=FOLDERS[name]),
        store=StoreSettings(uri=str(database)),
        answering=AnsweringSettings(cached_answers=0),
        traces=TraceSettings(enabled=False),
    )


def ingest_folder(name: str, database: Path) -> None:
    """Make the index of a folder."""
    settings = settings_of(name, database)
    with Services(settings) as services:
        assert ingest(settings, services.store, services.embedder).ok


def judge_all(services: Services, questions: Sequence[NaturalQuestion]) -> list[Judged]:
    """Ask the questions, each at the end of its own conversation."""
    return [_judge(services, question) for question in questions]


def _judge(services: Services, asked: NaturalQuestion) -> Judged:
    history: list[Turn] = []
    for question in asked.after:
        earlier = _ask(services, question, history)
        history += [Turn("user", question), Turn("assistant", earlier.text)]
    answer = _ask(services, asked.question, history)
    return Judged(asked, answer, _fault(asked, answer))


def _ask(services: Services, question: str, history: Sequence[Turn]) -> Answer:
    return asyncio.run(final_answer(services.answerer.answer(question, history=history)))


def _fault(asked: NaturalQuestion, answer: Answer) -> str:
    if asked.reason == "refused":
        return "" if answer.refused else "not refused"
    if asked.reason:
        return "" if answer.reason == asked.reason and not answer.citations else f"reason {answer.reason}"
    if answer.refused:
        return "wrongly refused"
    if answer.reason:
        return f"reason {answer.reason}"
    text = _plain(answer.text)
    missing = [fact for fact in asked.facts if not any(_plain(form) in text for form in fact)]
    said = [word for word in asked.forbidden if _plain(word) in text]
    return "; ".join([*(f"lacks {fact[0]}" for fact in missing), *(f"says {word}" for word in said)])


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
