"""The quality that the shipped knowledge is held to: 40 questions that it answers and 10 that it does not.

Facts are compared without regard to case and white space.
"""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from rag.settings_loader import load_settings
from rag.types import Answer, Hit
from rag.wiring import Services
from tests.kit.paths import ROOT

QUESTIONS = yaml.safe_load((Path(__file__).parent / "shipped_questions.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Result:
    question: str
    rank: int
    """Of the first hit that holds all words of the right passage; 0 for none among the hits."""
    has_facts: bool
    refused: bool


@pytest.fixture(scope="module")
def services(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    database = shutil.copy2(shipped_index, tmp_path_factory.mktemp("questions"))
    settings = load_settings(
        environment={
            "ZHIWEN_KNOWLEDGE__PATH": str(ROOT / "knowledge"),
            "ZHIWEN_STORE__URI": str(database),
            "ZHIWEN_TRACES__ENABLED": "false",
        }
    )
    with Services(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def answerable(services: Services) -> list[Result]:
    return [_ask(services, entry) for entry in QUESTIONS["answerable"]]


def test_there_are_forty_and_ten_questions_in_both_languages() -> None:
    assert (len(QUESTIONS["answerable"]), len(QUESTIONS["unanswerable"])) == (40, 10)
    for kind in ("answerable", "unanswerable"):
        assert {entry["question"].isascii() for entry in QUESTIONS[kind]} == {True, False}


def test_the_right_passage_is_among_the_first_three(answerable: list[Result]) -> None:
    missed = [result.question for result in answerable if not 1 <= result.rank <= 3]
    print(f"right passage in the top 3: {40 - len(missed)} of 40")
    assert len(missed) <= 1, missed


def test_the_extractive_answer_contains_the_expected_facts(answerable: list[Result]) -> None:
    missed = [result.question for result in answerable if not result.has_facts]
    print(f"expected facts in the extractive answer: {40 - len(missed)} of 40")
    assert len(missed) <= 4, missed


def test_questions_that_are_answered_are_not_refused(answerable: list[Result]) -> None:
    refused = [result.question for result in answerable if result.refused]
    print(f"wrongly refused: {len(refused)} of 40")
    assert len(refused) <= 1, refused


def test_questions_that_the_knowledge_does_not_answer_are_refused(services: Services) -> None:
    questions = [entry["question"] for entry in QUESTIONS["unanswerable"]]
    answered = [question for question in questions if not _answer(services, question).refused]
    print(f"rightly refused: {10 - len(answered)} of 10")
    assert len(answered) <= 2, answered


@pytest.mark.parametrize(
    "question",
    [
        "Cursor 的官网是什么？",
        "cursor 的官网是什么",
        "What is the official website of Cursor?",
        "what is the official website of cursor?",
        "LangChain 的官网",
        "Where can I download Obsidian?",
        "pinecone 属于哪一层",
    ],
)
def test_a_product_that_is_not_there_does_not_get_the_row_of_a_neighbour(services: Services, question: str) -> None:
    assert _answer(services, question).refused


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("dify 的官网是什么", "dify.ai/zh"),
        ("what is the official website of dify?", "dify.ai/zh"),
        ("CherryStudio 的官网地址", "cherry-ai.com"),
        ("What is the site of Pycharn?", "jetbrains.com/pycharm"),
        ("What is SiliconFlow?", "硅基流动"),
        ("Which components of Google are listed for speech services?", "谷歌"),
        ("有哪些 code 大模型", "GitHub Copilot"),
    ],
)
def test_a_product_that_is_there_is_found_in_another_spelling_and_language(
    services: Services, question: str, fact: str
) -> None:
    assert _plain(fact) in _plain(_answer(services, question).text)


def _ask(services: Services, entry: dict[str, str | list[str]]) -> Result:
    question = str(entry["question"])
    hits = services.searcher.search(question).hits
    reply = _answer(services, question)
    return Result(
        question=question,
        rank=next((rank for rank, hit in enumerate(hits, 1) if _holds(hit, entry["passage"])), 0),
        has_facts=not reply.refused and all(_plain(fact) in _plain(reply.text) for fact in entry["facts"]),
        refused=reply.refused,
    )


def _answer(services: Services, question: str) -> Answer:
    async def last() -> Answer:
        async for event in services.answerer.answer(question):
            if isinstance(event, Answer):
                return event
        raise AssertionError("no answer")

    return asyncio.run(last())


def _holds(hit: Hit, words: str | list[str]) -> bool:
    return all(_plain(word) in _plain(hit.chunk.searchable_text) for word in words)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
