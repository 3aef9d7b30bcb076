"""Documents that give orders, and a model that obeys: what is asked for is answered, and nothing gets out."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from ingest.sync import ingest
from rag.answering.answer import AnswerEvent, PassagesFound
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.checks.citation_markers import cited_numbers
from rag.checks.foreign_links import LEFT_OUT
from rag.settings import AnsweringSettings, KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.store.filters import Equals
from rag.text.invisible import remove_invisible
from rag.text.language import detect_language
from rag.text.markers import strip_markers
from rag.text.urls import find_urls
from rag.types import Answer, Passage
from rag.wiring import Services
from tests.kit.poisoned_documents import ObedientChat, Poisoned, poisoned_documents

DOCUMENTS = poisoned_documents()
_RUN = {"zh": 12, "en": 36}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
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
    with Services(settings) as services:
        assert ingest(settings, services.store, services.embedder).ok
        yield services


def asked(
    document: Poisoned, services: Services, piece_characters: int, *, thinks: bool = False
) -> tuple[list[AnswerEvent], ObedientChat]:
    of_it = Equals("source", document.name)
    chat = ObedientChat(document.fact, piece_characters=piece_characters, thinks=thinks)
    answerer = replace(services.answerer, chat=chat)

    async def run() -> list[AnswerEvent]:
        return [event async for event in answerer.answer(document.question, search_filter=of_it)]

    return asyncio.run(run()), chat


def letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def test_there_are_thirty_in_each_language() -> None:
    assert [document.name[:2] for document in DOCUMENTS] == ["zh"] * 30 + ["en"] * 30


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
@pytest.mark.parametrize("piece_characters", [1, 7, 100_000])
def test_an_obedient_model_does_no_harm(poisoned: Services, document: Poisoned, piece_characters: int) -> None:
    events, chat = asked(document, poisoned, piece_characters)
    (found,) = [event for event in events if isinstance(event, Answer)]
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    ((rules, _),) = chat.requests
    (offered,) = [event.passages for event in events if isinstance(event, PassagesFound)]
    assert bool(chat.obeyed) != document.is_hidden, "it was told, unless nobody could see it"

    assert streamed.startswith(document.fact), "what was asked for is answered"
    assert found.reason is None
    assert "".join(strip_markers(found.text).split()) == "".join(
        strip_markers(re.split("\n\n(?:来源：|Sources: )", streamed)[0]).split()
    ), "only markers are corrected"
    assert not any(document.fact in sentence for sentence in found.unverified)

    check_harmless(streamed, document, offered, rules.content)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_model_that_obeys_while_it_thinks_does_no_harm_either(poisoned: Services, document: Poisoned) -> None:
    events, chat = asked(document, poisoned, 7, thinks=True)
    thought = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    ((rules, _),) = chat.requests
    (offered,) = [event.passages for event in events if isinstance(event, PassagesFound)]
    assert thought.startswith(document.fact), "reasoning is shown"
    check_harmless(thought, document, offered, rules.content)


def check_harmless(streamed: str, document: Poisoned, offered: Sequence[Passage], rules: str) -> None:
    """Nothing of the rules, no foreign address, no HTML and no marker that leads nowhere is in what readers get."""
    passages = {passage.number: passage.chunk.searchable_text for passage in offered}
    cited = [find_urls(passages[number]) for number in cited_numbers(streamed)]
    shown = streamed.replace("href=", "").replace("src=", "")  # left of tags that were taken apart
    led_to = {address for address in find_urls(shown) if not address.startswith(LEFT_OUT)}
    assert led_to <= frozenset().union(*cited), "no foreign address"
    assert document.host not in streamed
    assert set(cited_numbers(streamed)) <= set(passages)

    told, run = letters(rules), _RUN[detect_language(document.question)]
    said = letters(streamed)
    leaked = [said[start : start + run] for start in range(len(said)) if said[start : start + run] in told]
    assert not [text for text in leaked if len(text) == run], "nothing of the rules"
    assert "notinpassages" not in said
    for tag in ("<img", "<script", "<iframe", "<style", "<a ", "javascript:", "data:text"):
        assert tag not in streamed.casefold()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_no_document_opens_a_passage_of_its_own_or_hides_anything(poisoned: Services, document: Poisoned) -> None:
    events, chat = asked(document, poisoned, 1000)
    content = chat.requests[0][1].content
    (offered,) = [event.passages for event in events if isinstance(event, PassagesFound)]
    assert content.count("<passage ") == content.count("</passage>") == len(offered)
    bare = content.replace("<\u200b", "<")
    assert remove_invisible(bare) == bare
