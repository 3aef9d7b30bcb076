"""Rollback, garbage, and generations of another embedder or retrieval mode."""

import pytest

from ingest.staging.rollback import roll_back
from ingest.sync import ingest
from rag.errors import StoreError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from tests.kit.corpus import BASE, Library, MakeLibrary
from tests.kit.raw_rows import collections_of, count_chunk_rows

ANOTHER_FINGERPRINT = "fedcba9876543210"


def test_rolling_back_shows_the_old_texts_and_the_next_ingest_the_new_ones(library: Library) -> None:
    before, statistics = library.live(), library.statistics()
    library.folder.edit("a.md", "red", "green")
    library.folder.delete("c.md")
    library.folder.write("g.md", "# Grapes\n\nGrapes.\n")
    library.ingest()
    after = library.live()
    left, live = roll_back(library.store)
    assert library.live() == before
    assert library.statistics() == statistics
    assert library.store.snapshot().generation == live.generation < left.generation
    with pytest.raises(StoreError, match="no earlier generation"):
        roll_back(library.store)
    assert library.live() == before
    report = library.ingest()
    assert report.generation > left.generation
    assert library.live() == after
    library.assert_clean()


def test_without_kept_generations_there_is_no_way_back_and_little_garbage(library: Library) -> None:
    store = library.settings.store.model_copy(update={"keep_generations": 0})
    library.folder.edit("a.md", "red", "green")
    ingest(library.settings.model_copy(update={"store": store}), library.store, library.embedder)
    with pytest.raises(StoreError, match="no earlier generation"):
        roll_back(library.store)
    # What died in the last commit is spared until the next, for the requests that still read it.
    assert count_chunk_rows(library.store) == len(library.chunks()) + 1


def test_rows_that_no_kept_generation_sees_are_deleted(library: Library) -> None:
    for word in ("green", "yellow", "brown"):
        library.folder.edit("a.md", "Apples are", f"Apples are {word}")
        library.ingest()
    live = len(library.chunks())
    assert live < count_chunk_rows(library.store) <= live + 1


def test_another_embedder_builds_a_new_namespace_while_the_old_one_answers(new_library: Library) -> None:
    library = new_library
    library.ingest()
    old, before = library.store.snapshot(), library.chunks()
    library.embedder = ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    answers: list[bool] = []
    report = library.ingest(on_progress=lambda progress: answers.append(library.store.snapshot().commit == old.commit))
    assert all(answers)
    assert report.embedded == len(before)
    new = library.store.snapshot()
    assert new.commit.namespace != old.commit.namespace
    assert new.commit.fingerprint == library.embedder.fingerprint
    library.assert_clean()
    assert sorted(chunk.content for chunk in old.chunks()) == sorted(chunk.content for chunk in before)

    library.folder.edit("a.md", "red", "green")
    library.ingest()
    assert old.commit.namespace not in library.store.namespaces()
    assert not any(name.startswith(old.commit.namespace) for name in collections_of(library.store))
    library.assert_clean()


def test_going_back_to_the_embedder_before_undoes_the_new_namespace(new_library: Library) -> None:
    library = new_library
    library.ingest()
    before = library.live()
    embedder = library.embedder
    library.embedder = ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT)
    library.folder.write("a.md", b"\xff")
    report = library.ingest()
    assert [failure.source for failure in report.failures] == ["a.md"]
    assert {chunk.source for chunk in library.chunks()} == set(BASE)
    roll_back(library.store)
    assert library.live() == before
    library.embedder = embedder
    library.folder.write("a.md", BASE["a.md"])
    library.begin_to_count()
    assert library.ingest().embedded == 0
    library.assert_clean()


def test_dense_mode_works_without_the_lexical_index_and_hybrid_mode_builds_one(make_library: MakeLibrary) -> None:
    library = make_library(mode="dense")
    for source, text in BASE.items():
        library.folder.write(source, text)
    library.ingest()
    library.assert_clean()
    dense = library.store.snapshot()
    found = retrieve("Bread is baked", dense, library.embedder, library.settings.retrieval)
    assert found.hits[0].chunk.content == "Bread is baked."
    with pytest.raises(StoreError):
        dense.search_terms(["bread"], limit=5)
    library.begin_to_count()
    library.ingest()
    assert (library.writes, library.embedder.calls) == (0, 0)
    library.folder.edit("b.md", "baked", "roasted")
    library.ingest()
    library.assert_clean()

    hybrid = library.settings.retrieval.model_copy(update={"mode": "hybrid"})
    library.settings = library.settings.model_copy(update={"retrieval": hybrid})
    assert library.ingest().embedded == 0, "the same embedder gives the same vectors"
    snapshot = library.store.snapshot()
    assert (snapshot.commit.mode, snapshot.commit.namespace != dense.commit.namespace) == ("hybrid", True)
    assert snapshot.search_terms(["roasted"], limit=5)
    library.assert_clean()
