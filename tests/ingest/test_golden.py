"""Golden questions: what a new generation must still find before it goes live."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from ingest.golden.questions import load_golden
from ingest.staging.report import IngestReport
from ingest.staging.rollback import roll_back
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import StoreSettings
from rag.store.store import Store
from rag.wiring import open_store
from tests.kit.corpus import Folder, Library, library_in, settings_for
from tests.kit.paths import ROOT
from tests.kit.pictures import dump
from tests.kit.raw_rows import another_store, litter

KNOWLEDGE = ROOT / "knowledge"
ANOTHER_FINGERPRINT = "fedcba9876543210"

BIRDS = {
    "heron": "The heron nests in March.",
    "stork": "The stork arrives in May.",
    "crane": "The crane flies south in October.",
    "curlew": "The curlew calls at dusk.",
}
QUESTIONS = [
    {"question": "When does the heron nest?", "expect": ["heron", "March"]},
    {"question": "When does the stork arrive?", "expect": ["May"], "source": "stork.md"},
    {"question": "When does the crane fly south?", "expect": ["south in October"]},
    {"question": "When does the curlew call?", "expect": ["DUSK", "the  curlew"]},
]


@dataclass(frozen=True, slots=True)
class Birds:
    """A library of birds, which may lose documents at will."""

    library: Library

    @property
    def folder(self) -> Folder:
        return self.library.folder

    @property
    def store(self) -> Store:
        return self.library.store

    def ingest(
        self, *, force: bool = False, max_drop: float = 0.0, embedder: ScriptedEmbedder | None = None
    ) -> IngestReport:
        knowledge = self.library.settings.knowledge.model_copy(update={"max_golden_drop": max_drop})
        settings = self.library.settings.model_copy(update={"knowledge": knowledge})
        library = replace(self.library, settings=settings)
        return library.ingest(embedder=embedder, force=force, allow_mass_deletion=True)

    def found_first(self, question: str) -> str:
        """The content of the best hit."""
        library = self.library
        hits = retrieve(question, self.store.snapshot(), library.embedder, library.settings.retrieval).hits
        return hits[0].chunk.content

    def ask(self, questions: list[dict[str, object]]) -> None:
        self.folder.write("golden.yaml", yaml.safe_dump({"questions": questions}, allow_unicode=True))

    def say(self, **texts: str) -> None:
        for bird, text in texts.items():
            self.folder.write(f"{bird}.md", f"# {bird}\n\n{text}\n")

    @property
    def found(self) -> int:
        return len(self.store.snapshot().commit.golden_found)

    @property
    def asked(self) -> int:
        return len(self.store.snapshot().commit.golden_asked)

    @property
    def generation(self) -> int:
        return self.store.snapshot().generation


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `docs` of four birds and four questions that are found, and a database with it, closed."""
    folder = tmp_path_factory.mktemp("golden")
    with opened(folder) as birds:
        birds.say(**BIRDS)
        birds.ask(QUESTIONS)
        assert birds.ingest().ok
        assert (birds.asked, birds.found) == (4, 4)
    return folder


@pytest.fixture
def birds(ingested: Path, tmp_path: Path) -> Iterator[Birds]:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    with opened(tmp_path) as birds:
        yield birds


@contextmanager
def opened(folder: Path) -> Iterator[Birds]:
    """The documents in `folder/docs`, with a database beside them."""
    with open_store(settings_for(folder / "docs", folder / "m.db")) as store:
        yield Birds(library_in(store, Folder(folder / "docs")))


# The file


def test_a_folder_without_the_file_has_no_questions(tmp_path: Path) -> None:
    assert load_golden(tmp_path) == ()


def test_a_folder_without_the_file_is_ingested(birds: Birds) -> None:
    birds.folder.delete("golden.yaml")
    birds.say(heron="The heron is gone.")
    assert birds.ingest().ok
    assert birds.asked == 0


MALFORMED: dict[str, tuple[bytes, str]] = {
    "not YAML": (b"questions: [", "line 1"),
    "nothing": (b"", "golden.yaml"),
    "a list": (b"- question: x\n  expect: [y]\n", "golden.yaml"),
    "no questions": (b"{}\n", "questions"),
    "another key": (b"questions: []\nanswers: []\n", "answers"),
    "a question with another key": (b"questions:\n  - {question: x, expect: [y], answer: z}\n", "answer"),
    "a question without words": (b"questions:\n  - {question: x}\n", "expect"),
    "a question that expects nothing": (b"questions:\n  - {question: x, expect: []}\n", "expect"),
    "a blank question": (b"questions:\n  - {question: '', expect: [y]}\n", "question"),
    "a number for a question": (b"questions:\n  - {question: 7, expect: [y]}\n", "question"),
    "one word in place of a list": (b"questions:\n  - {question: x, expect: y}\n", "expect"),
    "the second question is wrong": (b"questions:\n  - {question: x, expect: [y]}\n  - {expect: [y]}\n", "1.question"),
    "a key twice": (b"questions: []\nquestions: []\n", "twice"),
    "an alias": (b"questions: &a []\nb: *a\n", "alias"),
    "501 questions": (b"questions:\n" + b"  - {question: x, expect: [y]}\n" * 501, "500"),
    "more than 1 MB": (b"# " + b"x" * 1_100_000 + b"\nquestions: []\n", "1048576"),
    "no UTF-8": ("questions: []  # café\n".encode("latin-1"), "golden.yaml"),
}


@pytest.mark.parametrize(("content", "words"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_file_is_an_error_of_one_line_that_names_the_file_and_the_place(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "golden.yaml").write_bytes(content)
    with pytest.raises(KnowledgeError) as caught:
        load_golden(tmp_path)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "golden.yaml"))
    assert words in message
    assert message.endswith("nothing was changed")
    assert "\n" not in message
    assert ": :" not in message


def test_500_questions_are_taken(tmp_path: Path) -> None:
    (tmp_path / "golden.yaml").write_bytes(b"questions:\n" + b"  - {question: x, expect: [y]}\n" * 500)
    assert len(load_golden(tmp_path)) == 500


def test_a_malformed_file_stops_the_ingest_before_anything_is_written(birds: Birds) -> None:
    before = dump(birds.store)
    birds.say(heron="The heron nests in April.")
    birds.folder.write("golden.yaml", "questions: [")
    with pytest.raises(KnowledgeError, match="nothing was changed"):
        birds.ingest()
    assert birds.library.embedder.calls == 0
    assert dump(birds.store) == before
    assert litter(birds.store) == []


def test_the_file_is_not_a_document(birds: Birds) -> None:
    assert set(birds.store.snapshot().documents()) == {f"{bird}.md" for bird in BIRDS}


# The gate


def test_a_generation_that_finds_less_does_not_go_live_and_the_lost_question_is_named(birds: Birds) -> None:
    before = dump(birds.store)
    birds.say(heron="The heron has left.", stork="The stork arrives in May, as ever.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        birds.ingest()
    message = str(caught.value)
    assert "When does the heron nest?" in message
    assert "stork" not in message
    assert "3 of 4" in message
    assert "--force" in message
    assert "\n" not in message
    assert birds.generation == 1
    assert dump(birds.store) == before
    assert birds.found_first("heron nests in March") == "The heron nests in March."


def test_all_lost_questions_are_named_in_their_order(birds: Birds) -> None:
    birds.folder.delete("stork.md")
    birds.say(heron="Gone.", curlew="Silent.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        birds.ingest()
    lost = [str(entry["question"]) for entry in QUESTIONS if entry is not QUESTIONS[2]]
    assert "; ".join(lost) in str(caught.value)


def test_after_an_abort_the_mended_folder_goes_live_and_nothing_of_the_attempt_is_left(birds: Birds) -> None:
    birds.say(heron="The heron has left.", owl="The owl is new.")
    with pytest.raises(GoldenQuestionsLost):
        birds.ingest()
    birds.say(heron="The heron nests in March, as ever.")
    report = birds.ingest()
    # The number of the one that did not go live is not given again.
    assert (report.ok, report.generation) == (True, 3)
    assert litter(birds.store) == []
    contents = [chunk.content for chunk in birds.store.snapshot().chunks()]
    assert "The heron has left." not in contents
    assert "The owl is new." in contents


def test_after_an_abort_the_weights_of_words_are_those_of_the_generation_that_goes_live(birds: Birds) -> None:
    """The process that gave up goes on with the next attempt, which may have the same number."""
    birds.folder.delete("heron.md")
    for number in range(12):
        birds.folder.write(f"more{number}.md", f"# More\n\nThe curlew{number} is one of many curlews.\n")
    with pytest.raises(GoldenQuestionsLost):
        birds.ingest()
    for number in range(12):
        birds.folder.delete(f"more{number}.md")
    birds.say(heron="The heron nests in March, as ever.")
    assert birds.ingest().ok
    as_another_process_reads = another_store(birds.store).snapshot().statistics
    assert birds.store.snapshot().statistics == as_another_process_reads


def test_a_forced_generation_goes_live_and_later_ones_are_compared_with_it(birds: Birds) -> None:
    birds.say(heron="The heron has left.")
    report = birds.ingest(force=True)
    assert (report.ok, report.generation) == (True, 2)
    assert (birds.asked, birds.found) == (4, 3)
    birds.say(stork="The stork arrives in May, again.")
    assert birds.ingest().generation == 3
    birds.say(crane="The crane stays.")
    with pytest.raises(GoldenQuestionsLost, match=r"2 of 4 .* 3 are now"):
        birds.ingest()


def test_a_question_that_is_found_again_counts_again(birds: Birds) -> None:
    birds.say(heron="The heron has left.")
    birds.ingest(force=True)
    birds.say(heron="The heron nests in March.")
    birds.ingest()
    assert birds.found == 4
    birds.say(heron="The heron has left.")
    with pytest.raises(GoldenQuestionsLost):
        birds.ingest()


@pytest.mark.parametrize(
    ("lost", "max_drop", "goes_live"),
    [(1, 0.24, False), (1, 0.25, True), (2, 0.25, False), (4, 1.0, True)],
)
def test_the_share_found_may_fall_by_at_most_what_is_configured(
    birds: Birds, lost: int, max_drop: float, goes_live: bool
) -> None:
    birds.say(**dict.fromkeys(list(BIRDS)[:lost], "Nothing is known of it."))
    if goes_live:
        assert birds.ingest(max_drop=max_drop).generation == 2
    else:
        with pytest.raises(GoldenQuestionsLost):
            birds.ingest(max_drop=max_drop)
        assert birds.generation == 1


def test_the_tolerance_holds_for_each_ingest_by_itself(birds: Birds) -> None:
    """Each generation is compared with the one before it."""
    birds.say(heron="Gone.")
    birds.ingest(max_drop=0.25)
    birds.say(stork="Gone.")
    assert birds.ingest(max_drop=0.25).generation == 3
    assert (birds.asked, birds.found) == (4, 2)


Questions = list[dict[str, object]]
HARMLESS: dict[str, Callable[[Questions], Questions]] = {
    "a question is added that is not found": lambda old: [*old, {"question": "Where is the dodo?", "expect": ["dodo"]}],
    "a question is taken out": lambda old: old[1:],
    "a question expects something else": lambda old: [{**old[0], "expect": ["penguin"]}, *old[1:]],
    "a question is asked otherwise": lambda old: [{**old[0], "question": "The heron?"}, *old[1:]],
    "the order changes": lambda old: old[::-1],
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_change_of_the_questions_loses_nothing(birds: Birds, change: Callable[[Questions], Questions]) -> None:
    birds.ask(change(QUESTIONS))
    birds.say(owl="The owl is new.")
    assert birds.ingest().generation == 2


def test_if_one_is_lost_and_another_found_the_share_stays(birds: Birds) -> None:
    birds.ask([*QUESTIONS, {"question": "Where is the owl?", "expect": ["owl sits"]}])
    birds.say(wren="The wren is new.")
    birds.ingest()
    assert (birds.asked, birds.found) == (5, 4)
    birds.say(heron="Gone.", owl="The owl sits in the tower.")
    assert birds.ingest().generation == 3
    assert birds.found == 4


def test_the_document_a_question_names_must_be_the_one_that_answers(birds: Birds) -> None:
    birds.folder.rename("stork.md", "visitors.md")
    with pytest.raises(GoldenQuestionsLost, match="When does the stork arrive"):
        birds.ingest()


def test_a_document_that_cannot_be_read_keeps_its_questions_answered(birds: Birds) -> None:
    birds.folder.write("heron.md", b"\0")
    birds.say(owl="The owl is new.")
    report = birds.ingest()
    assert [failure.source for failure in report.failures] == ["heron.md"]
    assert (birds.generation, birds.found) == (2, 4)


def test_questions_alone_cost_nothing_and_wait_for_the_next_change(birds: Birds) -> None:
    birds.ask(QUESTIONS[:2])
    assert birds.ingest().generation == 1
    assert birds.library.embedder.calls == 0
    birds.say(owl="The owl is new.")
    birds.ingest()
    assert (birds.asked, birds.found) == (2, 2)


def test_the_first_generation_goes_live_whatever_it_finds(tmp_path: Path) -> None:
    with opened(tmp_path) as birds:
        birds.say(owl="The owl is new.")
        birds.ask(QUESTIONS)
        assert birds.ingest().generation == 1
        assert (birds.asked, birds.found) == (4, 0)


def test_after_a_rollback_generations_are_compared_with_the_earlier_one(birds: Birds) -> None:
    birds.say(heron="The heron has left.")
    birds.ingest(force=True)
    roll_back(birds.store)
    assert birds.found == 4
    birds.say(owl="The owl is new.")
    with pytest.raises(GoldenQuestionsLost, match="When does the heron nest"):
        birds.ingest()


# Another embedder


def test_a_changed_embedder_is_compared_with_what_the_old_one_found(birds: Birds) -> None:
    before = dump(birds.store)
    another = ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    birds.say(heron="The heron has left.")
    with pytest.raises(GoldenQuestionsLost, match="When does the heron nest"):
        birds.ingest(embedder=another)
    assert dump(birds.store) == before
    assert birds.store.snapshot().commit.fingerprint == birds.library.embedder.fingerprint
    assert birds.found_first("heron nests in March") == "The heron nests in March."
    birds.say(heron="The heron nests in March, as ever.")
    report = birds.ingest(embedder=another)
    assert (report.ok, report.generation) == (True, 3)
    assert birds.store.snapshot().commit.fingerprint == ANOTHER_FINGERPRINT
    assert birds.found == 4


# What ships


def test_every_question_that_ships_is_found_by_the_embedder_that_ships(shipped_index: Path, tmp_path: Path) -> None:
    questions = load_golden(KNOWLEDGE)
    assert len(questions) >= 10
    store = Store.open(StoreSettings(uri=shutil.copy2(shipped_index, tmp_path)))
    try:
        commit = store.snapshot().commit
    finally:
        store.close()
    digests = [*(entry.digest for entry in questions if entry.expects_passage)]
    digests += [entry.answer_digest for entry in questions if entry.expects_answer]
    assert sorted(commit.golden_asked) == sorted(digests)
    missed = set(digests) - set(commit.golden_found)
    assert [entry.question for entry in questions if missed & {entry.digest, entry.answer_digest}] == []


def test_the_questions_that_ship_are_in_both_languages() -> None:
    assert {entry.question.isascii() for entry in load_golden(KNOWLEDGE)} == {True, False}
