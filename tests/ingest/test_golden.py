"""Golden questions: what a new generation must still find before it goes live."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ingest.golden import load_golden
from ingest.staging.recovery import roll_back
from ingest.staging.report import IngestReport
from ingest.sync import ingest
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.retrieval.search import retrieve
from rag.settings import Settings, StoreSettings
from rag.store.store import Store
from tests.kit.corpus import Folder, WordHashEmbedder, dump, litter, settings_for
from tests.kit.paths import ROOT

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
class Shelf:
    folder: Folder
    settings: Settings
    store: Store
    embedder: WordHashEmbedder

    def ingest(
        self, *, force: bool = False, max_drop: float = 0.0, embedder: WordHashEmbedder | None = None
    ) -> IngestReport:
        settings = self.settings.model_copy(
            update={"knowledge": self.settings.knowledge.model_copy(update={"max_golden_drop": max_drop})}
        )
        return ingest(settings, self.store, embedder or self.embedder, force=force, allow_mass_deletion=True)

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
    place = tmp_path_factory.mktemp("golden")
    settings = settings_for(place / "docs", place / "m.db")
    store = Store.open(settings.store)
    shelf = Shelf(Folder(place / "docs"), settings, store, WordHashEmbedder())
    shelf.say(**BIRDS)
    shelf.ask(QUESTIONS)
    assert shelf.ingest().ok
    assert (shelf.asked, shelf.found) == (4, 4)
    store.close()
    return place


@pytest.fixture
def shelf(ingested: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copytree(ingested / "docs", tmp_path / "docs")
    shutil.copy2(ingested / "m.db", tmp_path / "m.db")
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    store = Store.open(settings.store)
    yield Shelf(Folder(tmp_path / "docs"), settings, store, WordHashEmbedder())
    store.close()


# The file


def test_a_folder_without_the_file_has_no_questions(tmp_path: Path) -> None:
    assert load_golden(tmp_path) == ()


def test_a_folder_without_the_file_is_ingested(shelf: Shelf) -> None:
    shelf.folder.delete("golden.yaml")
    shelf.say(heron="The heron is gone.")
    assert shelf.ingest().ok
    assert shelf.asked == 0


MALFORMED: dict[str, tuple[bytes, str]] = {
    "no YAML": (b"questions: [", "line 1"),
    "nothing": (b"", "golden.yaml"),
    "a list": (b"- question: x\n  expect: [y]\n", "golden.yaml"),
    "no questions": (b"{}\n", "questions"),
    "another key": (b"questions: []\nanswers: []\n", "answers"),
    "a question with another key": (b"questions:\n  - {question: x, expect: [y], answer: z}\n", "answer"),
    "a question without words": (b"questions:\n  - {question: x}\n", "expect"),
    "a question that expects nothing": (b"questions:\n  - {question: x, expect: []}\n", "expect"),
    "a blank question": (b"questions:\n  - {question: '', expect: [y]}\n", "question"),
    "a number for a question": (b"questions:\n  - {question: 7, expect: [y]}\n", "question"),
    "one word that is no list": (b"questions:\n  - {question: x, expect: y}\n", "expect"),
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


def test_a_malformed_file_stops_the_ingest_before_anything_is_written(shelf: Shelf) -> None:
    before = dump(shelf.store)
    shelf.say(heron="The heron nests in April.")
    shelf.folder.write("golden.yaml", "questions: [")
    with pytest.raises(KnowledgeError, match="nothing was changed"):
        shelf.ingest()
    assert shelf.embedder.calls == 0
    assert dump(shelf.store) == before
    assert litter(shelf.store) == []


def test_the_file_is_no_document(shelf: Shelf) -> None:
    assert set(shelf.store.snapshot().documents()) == {f"{bird}.md" for bird in BIRDS}


# The gate


def test_a_generation_that_finds_less_does_not_go_live_and_the_lost_question_is_named(shelf: Shelf) -> None:
    before = dump(shelf.store)
    shelf.say(heron="The heron has left.", stork="The stork arrives in May, as ever.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        shelf.ingest()
    message = str(caught.value)
    assert "When does the heron nest?" in message
    assert "stork" not in message
    assert "3 of 4" in message
    assert "--force" in message
    assert "\n" not in message
    assert shelf.generation == 1
    assert dump(shelf.store) == before
    hits = retrieve("heron nests in March", shelf.store.snapshot(), shelf.embedder, shelf.settings.retrieval).hits
    assert hits[0].chunk.content == "The heron nests in March."


def test_all_lost_questions_are_named_in_their_order(shelf: Shelf) -> None:
    shelf.folder.delete("stork.md")
    shelf.say(heron="Gone.", curlew="Silent.")
    with pytest.raises(GoldenQuestionsLost) as caught:
        shelf.ingest()
    lost = [str(entry["question"]) for entry in QUESTIONS if entry is not QUESTIONS[2]]
    assert "; ".join(lost) in str(caught.value)


def test_after_an_abort_the_mended_folder_goes_live_and_nothing_of_the_attempt_is_left(shelf: Shelf) -> None:
    shelf.say(heron="The heron has left.", owl="The owl is new.")
    with pytest.raises(GoldenQuestionsLost):
        shelf.ingest()
    shelf.say(heron="The heron nests in March, as ever.")
    report = shelf.ingest()
    assert (report.ok, report.generation) == (True, 2)
    assert litter(shelf.store) == []
    contents = [stored.chunk.content for stored in shelf.store.snapshot().chunks()]
    assert "The heron has left." not in contents
    assert "The owl is new." in contents


def test_after_an_abort_the_weights_of_words_are_those_of_the_generation_that_goes_live(shelf: Shelf) -> None:
    """The process that aborted goes on to serve the next attempt, which may have the same number."""
    shelf.folder.delete("heron.md")
    for number in range(12):
        shelf.folder.write(f"more{number}.md", f"# More\n\nThe curlew{number} is one of many curlews.\n")
    with pytest.raises(GoldenQuestionsLost):
        shelf.ingest()
    for number in range(12):
        shelf.folder.delete(f"more{number}.md")
    shelf.say(heron="The heron nests in March, as ever.")
    assert shelf.ingest().ok
    as_another_process_reads = Store(shelf.store.milvus, collection=shelf.store.collection).snapshot().statistics
    assert shelf.store.snapshot().statistics == as_another_process_reads


def test_force_goes_live_and_is_the_new_measure(shelf: Shelf) -> None:
    shelf.say(heron="The heron has left.")
    report = shelf.ingest(force=True)
    assert (report.ok, report.generation) == (True, 2)
    assert (shelf.asked, shelf.found) == (4, 3)
    shelf.say(stork="The stork arrives in May, again.")
    assert shelf.ingest().generation == 3
    shelf.say(crane="The crane stays.")
    with pytest.raises(GoldenQuestionsLost, match=r"2 of 4 .* 3 are now"):
        shelf.ingest()


def test_a_question_that_is_found_again_counts_again(shelf: Shelf) -> None:
    shelf.say(heron="The heron has left.")
    shelf.ingest(force=True)
    shelf.say(heron="The heron nests in March.")
    shelf.ingest()
    assert shelf.found == 4
    shelf.say(heron="The heron has left.")
    with pytest.raises(GoldenQuestionsLost):
        shelf.ingest()


@pytest.mark.parametrize(
    ("lost", "max_drop", "goes_live"),
    [(1, 0.24, False), (1, 0.25, True), (2, 0.25, False), (4, 1.0, True)],
)
def test_the_share_found_may_fall_by_as_much_as_is_configured(
    shelf: Shelf, lost: int, max_drop: float, goes_live: bool
) -> None:
    shelf.say(**dict.fromkeys(list(BIRDS)[:lost], "Nothing is known of it."))
    if goes_live:
        assert shelf.ingest(max_drop=max_drop).generation == 2
    else:
        with pytest.raises(GoldenQuestionsLost):
            shelf.ingest(max_drop=max_drop)
        assert shelf.generation == 1


def test_the_tolerance_is_not_used_up_step_by_step_beyond_each_ingest(shelf: Shelf) -> None:
    """Each generation is measured against the one before it, so a slow decline is visible each time."""
    shelf.say(heron="Gone.")
    shelf.ingest(max_drop=0.25)
    shelf.say(stork="Gone.")
    assert shelf.ingest(max_drop=0.25).generation == 3
    assert (shelf.asked, shelf.found) == (4, 2)


Questions = list[dict[str, object]]
HARMLESS: dict[str, Callable[[Questions], Questions]] = {
    "a question is added that is not found": lambda old: [*old, {"question": "Where is the dodo?", "expect": ["dodo"]}],
    "a question is taken out": lambda old: old[1:],
    "a question expects something else": lambda old: [{**old[0], "expect": ["penguin"]}, *old[1:]],
    "a question is asked otherwise": lambda old: [{**old[0], "question": "The heron?"}, *old[1:]],
    "the order changes": lambda old: old[::-1],
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_change_of_the_questions_is_no_loss(shelf: Shelf, change: Callable[[Questions], Questions]) -> None:
    shelf.ask(change(QUESTIONS))
    shelf.say(owl="The owl is new.")
    assert shelf.ingest().generation == 2


def test_one_lost_and_another_found_is_no_fall_of_the_share(shelf: Shelf) -> None:
    shelf.ask([*QUESTIONS, {"question": "Where is the owl?", "expect": ["owl sits"]}])
    shelf.say(wren="The wren is new.")
    shelf.ingest()
    assert (shelf.asked, shelf.found) == (5, 4)
    shelf.say(heron="Gone.", owl="The owl sits in the tower.")
    assert shelf.ingest().generation == 3
    assert shelf.found == 4


def test_the_document_a_question_names_must_be_the_one_that_answers(shelf: Shelf) -> None:
    shelf.folder.rename("stork.md", "visitors.md")
    with pytest.raises(GoldenQuestionsLost, match="When does the stork arrive"):
        shelf.ingest()


def test_a_document_that_cannot_be_read_keeps_its_questions_answered(shelf: Shelf) -> None:
    shelf.folder.write("heron.md", b"---\n[\n---\n")
    shelf.say(owl="The owl is new.")
    report = shelf.ingest()
    assert [failure.source for failure in report.failures] == ["heron.md"]
    assert (shelf.generation, shelf.found) == (2, 4)


def test_questions_alone_cost_nothing_and_wait_for_the_next_change(shelf: Shelf) -> None:
    shelf.ask(QUESTIONS[:2])
    assert shelf.ingest().generation == 1
    assert shelf.embedder.calls == 0
    shelf.say(owl="The owl is new.")
    shelf.ingest()
    assert (shelf.asked, shelf.found) == (2, 2)


def test_the_first_generation_goes_live_whatever_it_finds(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "docs", tmp_path / "m.db")
    store = Store.open(settings.store)
    try:
        shelf = Shelf(Folder(tmp_path / "docs"), settings, store, WordHashEmbedder())
        shelf.say(owl="The owl is new.")
        shelf.ask(QUESTIONS)
        assert shelf.ingest().generation == 1
        assert (shelf.asked, shelf.found) == (4, 0)
    finally:
        store.close()


def test_after_a_rollback_the_earlier_generation_is_the_measure(shelf: Shelf) -> None:
    shelf.say(heron="The heron has left.")
    shelf.ingest(force=True)
    roll_back(shelf.store)
    assert shelf.found == 4
    shelf.say(owl="The owl is new.")
    with pytest.raises(GoldenQuestionsLost, match="When does the heron nest"):
        shelf.ingest()


# Another embedder


def test_a_changed_embedder_is_measured_against_what_the_old_one_found(shelf: Shelf) -> None:
    before = dump(shelf.store)
    another = WordHashEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    shelf.say(heron="The heron has left.")
    with pytest.raises(GoldenQuestionsLost, match="When does the heron nest"):
        shelf.ingest(embedder=another)
    assert dump(shelf.store) == before
    assert shelf.store.snapshot().commit.fingerprint == shelf.embedder.fingerprint
    hits = retrieve("heron nests in March", shelf.store.snapshot(), shelf.embedder, shelf.settings.retrieval).hits
    assert hits[0].chunk.content == "The heron nests in March."
    shelf.say(heron="The heron nests in March, as ever.")
    report = shelf.ingest(embedder=another)
    assert (report.ok, report.generation) == (True, 2)
    assert shelf.store.snapshot().commit.fingerprint == ANOTHER_FINGERPRINT
    assert shelf.found == 4


# What ships


def test_every_question_that_ships_is_found_by_the_embedder_that_ships(shipped_index: Path, tmp_path: Path) -> None:
    questions = load_golden(KNOWLEDGE)
    assert len(questions) >= 10
    store = Store.open(StoreSettings(uri=shutil.copy2(shipped_index, tmp_path)))
    try:
        commit = store.snapshot().commit
    finally:
        store.close()
    missed = [entry.question for entry in questions if entry.digest not in commit.golden_found]
    assert missed == []
    assert len(commit.golden_asked) == len(questions)


def test_the_questions_that_ship_are_in_both_languages() -> None:
    assert {entry.question.isascii() for entry in load_golden(KNOWLEDGE)} == {True, False}
