"""Ingest as a whole, on a real Milvus Lite file."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.staging.lease import write_lease
from ingest.staging.recovery import roll_back
from ingest.staging.report import Progress
from ingest.sync import ingest, pending_changes, preview
from rag.errors import (
    EmbedderError,
    GoldenQuestionsLost,
    KnowledgeError,
    StoreError,
    StoreLocked,
    ZhiwenError,
)
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.search import retrieve
from rag.settings import ChunkingSettings
from rag.types import Chunk
from tests.kit.corpus import BASE, Library, MakeLibrary
from tests.kit.raw_rows import collections_of, count_chunk_rows, every_row

ANOTHER_FINGERPRINT = "fedcba9876543210"


def test_a_first_ingest_stores_what_the_documents_say(new_library: Library) -> None:
    report = new_library.ingest()
    new_library.assert_clean()
    chunks = new_library.chunks()
    assert (report.generation, report.ok, report.failures) == (1, True, [])
    assert (report.documents.added, report.documents.changed, report.documents.removed) == (len(BASE), 0, 0)
    assert (report.chunks.added, report.chunks.removed, report.chunks.unchanged) == (len(chunks), 0, 0)
    assert report.embedded == len(new_library.embedder.texts) == len(chunks)
    commit = new_library.store.snapshot().commit
    assert (commit.embedder, commit.dimension, commit.mode) == ("scripted/words", 16, "hybrid")
    assert commit.root == str(new_library.folder.root)


def test_an_unchanged_folder_costs_no_embedding_and_no_write(library: Library) -> None:
    before = every_row(library.store)
    for verify in (False, True):
        library.begin_to_count()
        report = library.ingest(verify=verify)
        assert (library.embedder.calls, library.writes) == (0, 0)
        assert (report.embedded, report.chunks.added, report.chunks.removed) == (0, 0, 0)
        assert report.chunks.unchanged == len(library.chunks())
        assert report.documents.unchanged == len(BASE)
    assert every_row(library.store) == before


def test_a_touched_folder_costs_no_embedding_and_no_write(library: Library) -> None:
    before = every_row(library.store)
    for source in BASE:
        os.utime(library.folder.root / source, ns=(1, 1))
    assert library.ingest().documents.unchanged == len(BASE)
    assert (library.embedder.calls, library.writes) == (0, 0)
    assert every_row(library.store) == before


def test_an_edit_embeds_only_the_paragraph_that_changed(library: Library) -> None:
    library.folder.edit("a.md", "Apples are red.", "Apples are red.\n\nSome are\ngreen.")
    report = library.ingest()
    assert library.embedder.texts == ["Apples\nApples are red.\n\nSome are green."]
    assert (report.embedded, report.documents.changed, report.documents.unchanged) == (1, 1, len(BASE) - 1)
    assert (report.chunks.added, report.chunks.removed) == (1, 1)
    library.assert_clean()


def test_chunks_that_moved_have_the_right_lines_and_are_not_embedded(library: Library) -> None:
    library.folder.edit("a.md", "# Apples", "\n\n\n# Apples")
    report = library.ingest()
    assert report.embedded == 0
    assert library.embedder.texts == []
    lines = (library.folder.root / "a.md").read_text().split("\n")
    storage = next(stored.chunk for stored in library.store.snapshot().chunks() if "cellar" in stored.chunk.content)
    assert lines[storage.start_line - 1] == "Keep apples cool."
    assert lines[storage.end_line - 1] == "- in a box"
    library.assert_clean()


def test_new_front_matter_reaches_every_chunk_without_an_embedding(library: Library) -> None:
    library.folder.edit("a.md", "# Apples", "---\ntags: [fruit]\n---\n# Apples")
    assert library.ingest().embedded == 0
    chunks = [stored.chunk for stored in library.store.snapshot().chunks() if stored.chunk.source == "a.md"]
    assert [chunk.metadata for chunk in chunks] == [{"tags": ["fruit"]}] * 2
    library.assert_clean()


def test_a_removed_document_is_gone_from_every_answer(library: Library) -> None:
    library.folder.delete("c.md")
    report = library.ingest()
    assert (report.documents.removed, report.chunks.removed, library.embedder.calls) == (1, 1, 0)
    snapshot = library.store.snapshot()
    query = library.embedder.embed_query("Cheese is made of milk")
    assert all(stored.chunk.source != "c.md" for stored, _ in snapshot.search_vectors(query, limit=100))
    assert snapshot.search_terms(["cheese", "milk", "rennet"], limit=100) == []
    assert "c.md" not in snapshot.documents()
    library.assert_clean()


def test_a_renamed_document_is_not_embedded_again(library: Library) -> None:
    library.folder.rename("a.md", "sub/z.md")
    report = library.ingest()
    assert (report.embedded, library.embedder.texts) == (0, [])
    assert (report.documents.added, report.documents.removed) == (1, 1)
    library.assert_clean()


def test_the_same_text_in_two_documents_is_embedded_once(library: Library) -> None:
    library.folder.write("x.md", "# Same\n\nsame text\n")
    library.folder.write("y.md", "# Same\n\nsame text\n")
    assert library.ingest().embedded == 1
    library.assert_clean()


def test_a_text_that_comes_back_is_not_embedded_again_while_its_row_is_kept(library: Library) -> None:
    library.folder.edit("a.md", "red", "blue")
    library.ingest()
    library.folder.edit("a.md", "blue", "red")
    library.begin_to_count()
    assert library.ingest().embedded == 0
    library.assert_clean()


def test_another_chunk_size_cuts_every_document_anew(library: Library) -> None:
    report = ingest(
        library.settings.model_copy(update={"chunking": ChunkingSettings(max_tokens=128)}),
        library.store,
        library.embedder,
    )
    assert report.documents.changed == len(BASE)
    assert library.ingest().documents.changed == len(BASE)
    library.assert_clean()


@pytest.mark.parametrize("text", ["", "\n\n", "<!-- nothing -->\n", "# Only a heading\n", "---\ntitle: T\n---\n"])
def test_a_document_without_text_is_known_and_has_no_chunks(library: Library, text: str) -> None:
    library.folder.write("a.md", text)
    report = library.ingest()
    assert (report.ok, report.embedded) == (True, 0)
    assert library.store.snapshot().documents()["a.md"].chunks == 0
    library.assert_clean()
    library.begin_to_count()
    library.ingest()
    assert library.writes == 0


def test_a_document_of_symbols_alone_is_stored(library: Library) -> None:
    library.folder.write("!!!.md", "！！！ … ☃\n")
    assert library.ingest().ok
    library.assert_clean()


BROKEN = {
    "not UTF-8": b"# A\n\ncaf\xe9 x\n",
    "a NUL byte": b"# A\n\n\0\n",
    "bad front matter": b"---\na: [\n---\n# A\n",
    "a list as front matter": b"---\n- a\n---\n# A\n",
}


def broken_chunks(library: Library) -> list[Chunk]:
    return [chunk for chunk in library.chunks() if chunk.source.removesuffix(".md") in BROKEN]


def test_broken_documents_keep_their_old_version_and_are_named(library: Library) -> None:
    for name in BROKEN:
        library.folder.write(f"{name}.md", f"# Fine\n\nnot {name} yet\n")
    library.ingest()
    before = broken_chunks(library)
    for name, content in BROKEN.items():
        library.folder.write(f"{name}.md", content)
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert not report.ok
    assert sorted(failure.source.removesuffix(".md") for failure in report.failures) == sorted(BROKEN)
    assert all(failure.error and failure.source not in failure.error for failure in report.failures)
    assert (report.documents.failed, report.documents.changed) == (len(BROKEN), 1)
    assert broken_chunks(library) == before
    assert len(before) == len(BROKEN)
    assert "Bread is baked daily." in library.texts()

    library.begin_to_count()
    again = library.ingest()
    assert again.failures == report.failures
    assert (library.embedder.calls, library.writes) == (0, 0)

    for name in BROKEN:
        library.folder.write(f"{name}.md", "# Fine\n\nagain\n")
    assert library.ingest().ok
    library.assert_clean()


ODD_FRONT_MATTER = {
    "an integer too long to write": b"a: 0x" + b"f" * 5000,
    "a tag that PyYAML stumbles over": b'a: !!int ""',
    "half a surrogate pair in the title": b'title: "\\ud800"',
    "half a surrogate pair in a value": b'a: "\\ud800"',
}


@pytest.mark.parametrize("front_matter", ODD_FRONT_MATTER.values(), ids=ODD_FRONT_MATTER.keys())
def test_odd_front_matter_takes_no_other_document_down(library: Library, front_matter: bytes) -> None:
    library.folder.write("a.md", b"---\n" + front_matter + b"\n---\n# A\n\ntext\n")
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert "Bread is baked daily." in library.texts()
    for failure in report.failures:
        assert failure.source == "a.md"
        assert "exhausts the parser" not in failure.error


def test_a_broken_new_document_is_named_and_not_stored(library: Library) -> None:
    library.folder.write("new.md", b"\xff\xff")
    report = library.ingest()
    assert [failure.source for failure in report.failures] == ["new.md"]
    assert report.documents.added == 0
    assert "new.md" not in library.store.snapshot().documents()


def test_a_document_that_is_too_large_is_named(library: Library) -> None:
    knowledge = library.settings.knowledge.model_copy(update={"max_file_bytes": 200})
    library.folder.write("a.md", "word " * 100)
    report = ingest(library.settings.model_copy(update={"knowledge": knowledge}), library.store, library.embedder)
    assert [(failure.source, "max_file_bytes" in failure.error) for failure in report.failures] == [("a.md", True)]


ODD_NAMES = [
    'it\'s "quoted".md',
    "back\\slash.md",
    "100%_a.md",
    "percent%d{}.md",
    "表格 🙂.md",
    "a' or 1==1 or source == 'b.md",
    '" or source != "',
    "trailing \\",
    "x" * 200,
]


def test_documents_with_odd_names_live_and_die_alone(library: Library) -> None:
    before = library.live()
    names = [name if name.endswith(".md") else f"{name}.md" for name in ODD_NAMES]
    for number, name in enumerate(names):
        library.folder.write(name, f"# Odd\n\nnumber{number}\n")
    assert library.ingest().ok
    library.assert_clean()
    for name in names:
        library.folder.edit(name, "number", "edited")
    assert library.ingest().ok
    library.assert_clean()
    for name in names:
        library.folder.delete(name)
    library.ingest(allow_mass_deletion=True)
    assert library.live() == before


@pytest.mark.parametrize("name", [b"new\nline.md", b"bell\x07.md", b"\x7f.md", b"latin\xe9.md"])
def test_a_file_with_an_impossible_name_takes_no_other_down(library: Library, name: bytes) -> None:
    path = os.fsencode(library.folder.root) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"# Odd\n\ntext\n")
    library.folder.edit("b.md", "baked", "baked daily")
    report = library.ingest()
    assert "Bread is baked daily." in library.texts()
    assert len(report.failures) in (0, 1)
    json.dumps([failure.source for failure in report.failures]).encode()


def test_two_names_that_differ_only_in_unicode_form_do_not_make_an_ingest_restless(library: Library) -> None:
    library.folder.write("\u00e9.md", "# One\n\none\n")
    library.folder.write("e\u0301.md", "# Two\n\ntwo\n")
    try:
        library.ingest()
    except KnowledgeError:
        return
    library.begin_to_count()
    library.ingest()
    assert library.writes == 0


def test_progress_ends_at_what_the_report_says(library: Library) -> None:
    library.folder.write("new.md", b"\xff\xff")
    library.folder.edit("a.md", "red", "green")
    library.folder.edit("b.md", "baked", "roasted")
    steps: list[Progress] = []
    report = library.ingest(on_progress=steps.append)
    assert steps[-1].documents == steps[-1].documents_total == 3
    assert steps[-1].embedded == report.embedded
    assert all(before.documents <= after.documents for before, after in itertools.pairwise(steps))


def test_the_plan_is_told_before_anything_is_written(library: Library) -> None:
    library.folder.edit("a.md", "red", "green")
    library.folder.delete("c.md")
    told: list[tuple[int, list[str], tuple[str, ...]]] = []
    library.ingest(on_plan=lambda plan: told.append((library.writes, [f.source for f in plan.changed], plan.removed)))
    assert told == [(0, ["a.md"], ("c.md",))]


def test_a_preview_and_pending_changes_name_what_an_ingest_does_and_write_nothing(library: Library) -> None:
    library.folder.edit("a.md", "red", "green")
    library.folder.delete("c.md")
    library.folder.write("new.md", "# New\n\nx\n")
    for plan in (
        preview(library.settings, library.store, library.embedder),
        pending_changes(library.settings, library.store),
    ):
        assert [file.source for file in plan.changed] == ["a.md"]
        assert [file.source for file in plan.added] == ["new.md"]
        assert plan.removed == ("c.md",)
    assert (library.writes, library.embedder.calls) == (0, 0)


def test_a_snapshot_reads_its_own_generation_during_and_after_an_ingest(library: Library) -> None:
    snapshot = library.store.snapshot()

    def seen() -> tuple[object, ...]:
        query = library.embedder.embed_query("apples bread cheese")
        return (
            sorted(stored.chunk.content for stored in snapshot.chunks()),
            sorted(snapshot.documents()),
            sorted(stored.chunk.id for stored, _ in snapshot.search_vectors(query, limit=100)),
            sorted(stored.chunk.id for stored, _ in snapshot.search_terms(["apples", "bread", "cheese"], limit=100)),
            snapshot.statistics,
        )

    before = seen()
    library.folder.edit("a.md", "red", "apples bread cheese")
    library.folder.edit("b.md", "baked", "roasted")
    library.folder.delete("c.md")
    library.folder.write("g.md", "# Grapes\n\nApples bread cheese grapes.\n")
    during: list[bool] = []

    def look(_: Progress) -> None:
        during.append(seen() == before and library.store.snapshot().generation == snapshot.generation)

    library.ingest(on_progress=look)
    assert len(during) > 3
    assert all(during)
    assert seen() == before
    assert library.store.snapshot().generation > snapshot.generation
    library.assert_clean()


def test_readers_in_other_threads_see_one_whole_generation_at_any_time(library: Library) -> None:
    """Three documents change together, five times; every read finds all three, in one version."""
    names = ("x", "y", "z")

    def write(number: int) -> None:
        for name in names:
            library.folder.write(f"{name}.md", f"# {name}\n\nversion{number}\n")
        library.ingest()

    def versions() -> list[str]:
        chunks = (stored.chunk for stored in library.store.snapshot().chunks())
        return sorted(f"{chunk.source} {chunk.content}" for chunk in chunks if chunk.content.startswith("version"))

    write(0)
    whole = {tuple(f"{name}.md version{number}" for name in names) for number in range(5)}
    with reading(versions) as seen:
        for number in range(1, 5):
            write(number)
    assert len(seen) > 5
    assert {each for each in seen if each not in whole} == set()


def test_readers_in_other_threads_find_what_stays_at_any_time(library: Library) -> None:
    """Documents move by a line, so that all their rows are written anew; what they say is there throughout."""
    library.folder.write(
        "long.md", "# Long\n\n" + "".join(f"## H{number}\n\ntext {number}\n\n" for number in range(60))
    )
    library.ingest()

    def texts() -> list[str]:
        chunks = (stored.chunk for stored in library.store.snapshot().chunks())
        return sorted(chunk.content for chunk in chunks if chunk.source == "long.md")

    before = tuple(texts())
    with reading(texts) as seen:
        for _ in range(3):
            library.folder.edit("long.md", "# Long", "\n# Long")
            library.ingest()
    assert len(seen) > 5
    assert [len(each) for each in seen if each != before] == []


@contextmanager
def reading(read: Callable[[], list[str]]) -> Iterator[list[tuple[str, ...]]]:
    """Read on and on in another thread; gives what was seen, an error as its name."""
    ended = threading.Event()
    seen: list[tuple[str, ...]] = []

    def look() -> None:
        while not ended.is_set():
            try:
                seen.append(tuple(read()))
            except ZhiwenError as error:
                seen.append((f"{type(error).__name__}: {error}",))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()


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


def test_another_embedder_builds_a_fresh_space_while_the_old_one_answers(new_library: Library) -> None:
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
    assert sorted(stored.chunk.content for stored in old.chunks()) == sorted(chunk.content for chunk in before)

    library.folder.edit("a.md", "red", "green")
    library.ingest()
    assert old.commit.namespace not in library.store.namespaces()
    assert not any(name.startswith(old.commit.namespace) for name in collections_of(library.store))
    library.assert_clean()


def test_going_back_to_the_embedder_before_undoes_a_fresh_space(new_library: Library) -> None:
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
    """The exception stands for whatever ends an ingest between two writes."""
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


def test_a_mass_deletion_leaves_the_store_as_it_was_unless_it_is_meant(library: Library) -> None:
    before = every_row(library.store)
    library.folder.delete("a.md")
    library.folder.delete("b.md")
    library.folder.edit("c.md", "milk", "more milk")
    with pytest.raises(KnowledgeError, match=f"2 of {len(BASE)} documents are gone"):
        library.ingest()
    assert every_row(library.store) == before
    assert (library.writes, library.embedder.calls) == (0, 0)
    assert library.ingest(allow_mass_deletion=True).documents.removed == 2
    library.assert_clean()


def test_a_mass_deletion_is_noticed_under_another_embedder_too(library: Library) -> None:
    before = every_row(library.store)
    library.folder.delete("a.md")
    library.folder.delete("b.md")
    with pytest.raises(KnowledgeError, match="documents are gone"):
        ingest(library.settings, library.store, ScriptedEmbedder(fingerprint=ANOTHER_FINGERPRINT))
    assert every_row(library.store) == before


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


def test_the_built_in_embedder_finds_by_meaning_and_embeds_once(
    make_library: MakeLibrary, builtin: BuiltinEmbedder
) -> None:
    library = make_library()
    library.folder.write("zh.md", "# 休假\n\n员工每年有十天带薪年假。\n\n# 食堂\n\n食堂十一点半开饭。\n")
    library.folder.write("en.md", "# Deployment\n\n| Service | Port |\n|---|---|\n| Web | 8000 |\n| Store | 19530 |\n")
    report = ingest(library.settings, library.store, builtin)
    assert report.embedded == report.chunks.added == 5
    snapshot = library.store.snapshot()
    found = snapshot.search_vectors(builtin.embed_query("年假有几天？"), limit=5)
    assert found[0][0].chunk.content == "员工每年有十天带薪年假。"
    row = next(stored.chunk for stored in snapshot.chunks() if stored.chunk.content.startswith("Service: Web"))
    [vector] = builtin.embed_documents([row.searchable_text])
    [(nearest, cosine)] = snapshot.search_vectors(vector, limit=1)
    assert nearest.chunk == row
    assert cosine == pytest.approx(1, abs=1e-3)
    library.begin_to_count()
    again = ingest(library.settings, library.store, builtin)
    assert (again.embedded, again.generation, library.writes) == (0, report.generation, 0)
