"""Documents that give orders, and a model that obeys: what is asked for is answered, and nothing gets out."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ingest.sync import ingest
from rag.answering.answer import Delta, Event, answer
from rag.checks.citations import cited_numbers
from rag.checks.links import LEFT_OUT
from rag.settings import AnsweringSettings, KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.store.filters import Equals
from rag.text.invisible import remove_invisible
from rag.text.urls import find_urls
from rag.types import Answer
from rag.wiring import Parts, open_parts
from tests.kit.poisoned_documents import ObedientChat, Poisoned, poisoned_documents

DOCUMENTS = poisoned_documents()
_RUN = {"zh": 12, "en": 36}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("poisoned")
    (folder / "docs").mkdir()
    for document in DOCUMENTS:
        (folder / "docs" / document.name).write_text(document.text, encoding="utf-8")
    settings = Settings(
        knowledge=KnowledgeSettings(path=folder / "docs"),
        store=StoreSettings(uri=str(folder / "m.db")),
        answering=AnsweringSettings(min_evidence=0.0, cached_answers=0),
        traces=TraceSettings(enabled=False),
    )
    with open_parts(settings) as parts:
        assert ingest(settings, parts.store, parts.embedder).ok
        yield parts


def asked(document: Poisoned, parts: Parts, piece_characters: int) -> tuple[list[Event], ObedientChat]:
    of_it = Equals("source", document.name)
    chat = ObedientChat(document.fact, piece_characters=piece_characters)

    async def run() -> list[Event]:
        return [event async for event in answer(document.question, replace(parts, chat=chat), condition=of_it)]

    return asyncio.run(run()), chat


def letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def test_there_are_thirty_in_each_language() -> None:
    assert [document.name[:2] for document in DOCUMENTS] == ["zh"] * 30 + ["en"] * 30


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
@pytest.mark.parametrize("piece_characters", [1, 7, 100_000])
def test_an_obedient_model_does_no_harm(poisoned: Parts, document: Poisoned, piece_characters: int) -> None:
    events, chat = asked(document, poisoned, piece_characters)
    (found,) = [event for event in events if isinstance(event, Answer)]
    streamed = "".join(event.text for event in events if isinstance(event, Delta))
    (prompt,) = chat.prompts
    assert bool(chat.obeyed) != document.is_hidden, "it was told, unless nobody could see it"

    assert streamed.startswith(document.fact), "what was asked for is answered"
    assert found.reason is None
    assert found.text == streamed
    assert not any(document.fact in sentence for sentence in found.unverified)

    passages = {passage.number: passage.chunk.searchable_text for passage in prompt.evidence.passages}
    cited = [find_urls(passages[number]) for number in cited_numbers(streamed)]
    shown = streamed.replace("href=", "").replace("src=", "")  # left of tags that were taken apart
    led_to = {address for address in find_urls(shown) if not address.startswith(LEFT_OUT)}
    assert led_to <= frozenset().union(*cited), "no foreign address"
    assert document.host not in streamed
    assert set(cited_numbers(streamed)) <= set(passages)

    rules, run = letters(prompt.messages[0].content), _RUN[prompt.evidence.language]
    said = letters(streamed)
    leaked = [said[start : start + run] for start in range(len(said)) if said[start : start + run] in rules]
    assert not [text for text in leaked if len(text) == run], "nothing of the rules"
    assert "notinpassages" not in said
    for tag in ("<img", "<script", "<iframe", "<style", "<a ", "javascript:", "data:text"):
        assert tag not in streamed.casefold()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_no_document_opens_a_passage_of_its_own_or_hides_anything(poisoned: Parts, document: Poisoned) -> None:
    _, chat = asked(document, poisoned, 1000)
    content = chat.prompts[0].messages[1].content
    shown = len(chat.prompts[0].evidence.passages)
    assert content.count("<passage ") == content.count("</passage>") == shown
    bare = content.replace("<\u200b", "<")
    assert remove_invisible(bare) == bare
