"""Ingests that fail or are refused leave the live generation as it was, and a rerun completes them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.staging.lease import write_lease
from ingest.staging.report import Progress
from ingest.staging.rollback import roll_back
from ingest.sync import ingest, preview
from rag.errors import (
    EmbedderError,
    GoldenQuestionsLost,
    KnowledgeError,
    StoreError,
    StoreLocked,
)
from tests.kit.corpus import BASE, Library, MakeLibrary
from tests.kit.raw_rows import every_row

ANOTHER_FINGERPRINT = "fedcba9876543210"


def test_a_failing_embedder_leaves_the_live_generation_as_it_was(library: Library) -> None:
    before, statistics = library.live(), library.statistics()
    for name in "ghijklm":
        library.folder.write(
            f"{name}.md", f"# {name}\n\none {name}\n\n## two\n\ntwo {name}\n\n## three\n\nthree {name}\n"
        )
    library.folder.edit("a.md", "red", "green")
    library.folder.delete("c.md")
    library.embedder.fails_at_call = 3
    with pytest.raises(EmbedderError, match="told to fail at call 3"):
        library.ingest()
    assert library.embedder.calls == 3
    assert library.live() == before
    assert library.statistics() == statistics
    library.begin_to_count()
    report = library.ingest()
    assert report.ok
    library.assert_clean()


def test_a_failing_embedder_at_the_first_ingest_leaves_an_empty_store(new_library: Library) -> None:
    new_library.embedder.fails_at_call = 2
    with pytest.raises(EmbedderError):
        new_library.ingest()
    assert new_library.store.state() is None
    new_library.begin_to_count()
    new_library.ingest()
    new_library.assert_clean()


def test_a_store_that_fails_at_any_write_leaves_a_generation_that_a_rerun_completes(library: Library) -> None:
    """The exception represents whatever ends an ingest between two writes."""
    number = 0
    while True:
        number += 1
        library.folder.write("a.md", f"# Apples\n\nApples {number}\n")
        library.folder.rename(*("b.md", "b2.md") if number % 2 else ("b2.md", "b.md"))
        library.begin_to_count()
        before, statistics, generation = library.live(), library.statistics(), library.store.snapshot().generation
        library.refuse_write(number)
        try:
            library.ingest()
        except StoreError:
            library.refuse_write(0)
            if library.store.snapshot().generation == generation:
                assert library.live() == before
                assert library.statistics() == statistics
            library.ingest()
            library.assert_clean()
        else:
            break
    assert number > 5
    library.assert_clean()


def test_a_missing_or_empty_folder_leaves_the_store_as_it_was(library: Library) -> None:
    before = every_row(library.store)
    away = library.folder.root.with_name("away")
    library.folder.root.rename(away)
    try:
        with pytest.raises(KnowledgeError, match="does not exist"):
            library.ingest()
        library.folder.root.mkdir()
        with pytest.raises(KnowledgeError, match="holds no documents"):
            library.ingest(allow_mass_deletion=True)
        library.folder.root.rmdir()
    finally:
        away.rename(library.folder.root)
    assert every_row(library.store) == before
    assert library.writes == 0


def test_another_folder_leaves_the_store_as_it_was(library: Library, make_library: MakeLibrary) -> None:
    before = every_row(library.store)
    other = make_library().folder
    other.write("a.md", "# Another\n\nThe other folder has a document of that name, too.\n")
    other.write("x.md", "# X\n\nx\n")
    knowledge = library.settings.knowledge.model_copy(update={"path": other.root})
    elsewhere = library.settings.model_copy(update={"knowledge": knowledge})
    with pytest.raises(KnowledgeError, match=f"5 of {len(BASE)} documents are gone .* made from {library.folder.root}"):
        ingest(elsewhere, library.store, library.embedder)
    with pytest.raises(KnowledgeError, match="made from"):
        preview(elsewhere, library.store, library.embedder)
    assert every_row(library.store) == before
    assert (library.writes, library.embedder.calls) == (0, 0)
    assert ingest(elsewhere, library.store, library.embedder, allow_mass_deletion=True).documents.removed == 5


def test_a_second_writer_in_the_process_is_refused_at_once(library: Library) -> None:
    refused: list[bool] = []

    def second(_: Progress) -> None:
        # The first ingest waits for this one: if it were made to wait too, neither would end.
        with pytest.raises(StoreLocked, match="running already"):
            library.ingest()
        refused.append(True)

    library.folder.edit("a.md", "red", "green")
    library.ingest(on_progress=second)
    assert refused
    library.assert_clean()


def test_the_right_to_write_is_given_back_after_a_failure(library: Library) -> None:
    with pytest.raises(RuntimeError), write_lease(library.store):
        raise RuntimeError
    assert library.ingest().ok


GOLDEN = "questions:\n  - question: What is made of milk?\n    expect: [Cheese, made of milk]\n    source: c.md\n"


def test_a_generation_that_loses_a_golden_question_does_not_go_live(library: Library) -> None:
    library.folder.write("golden.yaml", GOLDEN)
    library.folder.edit("a.md", "red", "green")
    library.ingest()
    before, generation = library.live(), library.store.snapshot().generation
    library.folder.edit("c.md", "milk", "water")
    with pytest.raises(GoldenQuestionsLost, match="What is made of milk"):
        library.ingest()
    assert library.live() == before
    assert library.store.snapshot().generation == generation
    library.ingest(force=True)
    library.assert_clean()


def test_golden_questions_that_cannot_be_read_leave_the_store_as_it_was(library: Library) -> None:
    before = every_row(library.store)
    library.folder.write("golden.yaml", "questions: [{question: x}]\n")
    library.folder.edit("a.md", "red", "green")
    with pytest.raises(KnowledgeError, match=r"golden\.yaml"):
        library.ingest()
    assert every_row(library.store) == before


PARAGRAPHS = [f"Paragraph {number} about {word}." for number, word in enumerate("x y z 甲 乙 丙".split())]
documents = st.lists(st.sampled_from(PARAGRAPHS), max_size=4)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("pqrst"), documents),
        st.tuples(st.just("remove"), st.sampled_from("pqrst"), st.just([])),
        st.tuples(st.just("ingest"), st.just(""), st.just([])),
        st.tuples(st.just("fail"), st.sampled_from("123456"), st.just([])),
        st.tuples(st.just("roll back"), st.just(""), st.just([])),
    ),
    min_size=3,
    max_size=8,
)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps)
def test_any_sequence_of_edits_failures_and_rollbacks_ends_like_a_clean_build(
    library: Library, steps: list[tuple[str, str, list[str]]]
) -> None:
    for action, argument, paragraphs in steps:
        library.begin_to_count()
        if action == "write":
            text = "".join(
                f"{'#' * (1 + number % 3)} H{number}\n\n{text}\n\n" for number, text in enumerate(paragraphs)
            )
            library.folder.write(f"{argument}.md", text)
        elif action == "remove":
            (library.folder.root / f"{argument}.md").unlink(missing_ok=True)
        elif action == "ingest":
            library.ingest(allow_mass_deletion=True)
            library.assert_clean()
        elif action == "fail":
            library.refuse_write(int(argument))
            try:
                library.ingest(allow_mass_deletion=True)
            except StoreError:
                library.refuse_write(0)
        elif len((library.store.state() or pytest.fail("empty")).history) > 1:
            roll_back(library.store)
    library.begin_to_count()
    library.ingest(allow_mass_deletion=True)
    library.assert_clean()
