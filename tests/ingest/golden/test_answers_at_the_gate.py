"""A generation whose answers flip does not go live."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from ingest.golden.gate import GoldenResult, check_golden_loss
from ingest.golden.questions import GoldenQuestion
from rag.errors import GoldenQuestionsLost
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.state.database import StateDatabase
from rag.state.traces import TraceStore
from rag.wiring import open_store
from tests.kit.corpus import Folder, Library, library_in, settings_for
from tests.kit.traces import trace

HERON = "When does the heron nest?"
DODO = "Where does the dodo live?"
QUESTIONS = [{"question": HERON, "answer": ["March"], "source": "heron.md"}, {"question": DODO, "refused": True}]


@dataclass(frozen=True, slots=True)
class Birds:
    library: Library

    def say(self, **texts: str) -> None:
        for bird, text in texts.items():
            self.library.folder.write(f"{bird}.md", f"# {bird}\n\n{text}\n")

    def remember(self, number: int) -> Library:
        """The library with so many recent questions at its gate."""
        knowledge = self.library.settings.knowledge.model_copy(update={"gate_recent_questions": number})
        return replace(self.library, settings=self.library.settings.model_copy(update={"knowledge": knowledge}))

    def ask(self, *questions: str) -> None:
        """Leave traces of these questions, answered."""
        settings = self.library.settings
        traces = TraceStore(settings.traces, StateDatabase.of(settings))
        for question in questions:
            asked = trace(question, question=question)
            traces.add(replace(asked, answer=replace(asked.answer, reason=None)))
        traces.close()


@pytest.fixture
def birds(tmp_path: Path) -> Iterator[Birds]:
    with open_store(settings_for(tmp_path / "docs", tmp_path / "m.db")) as store:
        birds = Birds(library_in(store, Folder(tmp_path / "docs")))
        birds.say(heron="The heron nests in March.", stork="The stork arrives in May.")
        birds.library.folder.write("golden.yaml", yaml.safe_dump({"questions": QUESTIONS}))
        assert birds.library.ingest().ok
        yield birds


def test_both_checks_of_a_question_are_on_record(birds: Birds) -> None:
    commit = birds.library.store.snapshot().commit
    assert len(commit.golden_asked) == 3
    assert set(commit.golden_found) == set(commit.golden_asked)


def test_an_answer_that_flips_keeps_the_generation_back_and_is_named(birds: Birds) -> None:
    """The passage is still found: only the answer tells."""
    birds.say(heron="The heron nests in April.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        birds.library.ingest()
    message = str(caught.value)
    assert f"Answers that flip: {HERON}" in message
    assert "1 of 2 golden questions would be answered as expected, 2 are now; nothing was changed." in message
    assert "No longer found" not in message
    assert birds.library.store.snapshot().generation == 1
    assert birds.library.ingest(force=True).ok


def test_a_question_that_was_refused_and_would_be_answered_flips_too(birds: Birds) -> None:
    birds.say(dodo="The dodo does live in the tower: there the dodo is, and where the dodo lives.")
    with pytest.raises(GoldenQuestionsLost, match=f"Answers that flip: {DODO[:-1]}"):
        birds.library.ingest()


def test_recent_questions_take_part_only_if_the_setting_allows_it(birds: Birds) -> None:
    birds.ask("When does the stork arrive?", HERON)
    birds.say(stork="Nothing is known of it.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        birds.remember(10).ingest()
    message = str(caught.value)
    assert "1 of 2 recent questions would be refused; nothing was changed. " in message
    assert "No longer answered: When does the stork arrive?" in message
    assert birds.remember(0).ingest().ok


def test_recent_questions_that_are_still_answered_hold_nothing_back(birds: Birds) -> None:
    birds.ask(HERON)
    birds.say(stork="Nothing is known of it.")
    assert birds.remember(10).ingest().generation == 2


def test_recent_questions_that_the_live_generation_refuses_hold_nothing_back(birds: Birds) -> None:
    birds.ask(DODO)
    birds.say(stork="Nothing is known of it.")
    assert birds.remember(10).ingest().generation == 2


def test_under_a_new_embedder_recent_questions_count_as_answered_before(birds: Birds) -> None:
    birds.ask("When does the stork arrive?")
    birds.say(stork="Nothing is known of it.")
    with pytest.raises(GoldenQuestionsLost, match="No longer answered: When does the stork arrive"):
        birds.remember(10).ingest(embedder=ScriptedEmbedder(fingerprint="fedcba9876543210"))


def test_passages_answers_and_recent_questions_are_lost_in_one_message() -> None:
    entry = GoldenQuestion(question="When?", expect=("a",), answer=("b",))
    before = GoldenResult((entry.digest, entry.answer_digest), (entry.digest, entry.answer_digest))
    after = GoldenResult(before.asked, ())
    with pytest.raises(GoldenQuestionsLost) as caught:
        check_golden_loss(before, after, [entry], max_drop=0.0, recent=["Who?"], no_longer_answered=["Who?"])
    assert str(caught.value) == (
        "0 of 1 golden questions would be found, 1 are now; nothing was changed. No longer found: When?. "
        "0 of 1 golden questions would be answered as expected, 1 are now. Answers that flip: When?. "
        "1 of 1 recent questions would be refused. No longer answered: Who?. If that is meant, run again with --force"
    )
