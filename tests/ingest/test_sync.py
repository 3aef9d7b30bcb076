"""Ingest as a whole, on a real Milvus Lite file."""

import itertools
import os

import pytest

from ingest.staging.report import Progress
from ingest.sync import ingest, pending_changes, preview
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.settings import ChunkingSettings
from tests.kit.corpus import BASE, Library, MakeLibrary
from tests.kit.raw_rows import every_row


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
    storage = next(chunk for chunk in library.store.snapshot().chunks() if "cellar" in chunk.content)
    assert lines[storage.start_line - 1] == "Keep apples cool."
    assert lines[storage.end_line - 1] == "- in a box"
    library.assert_clean()


def test_new_front_matter_reaches_every_chunk_without_embedding_them(library: Library) -> None:
    library.folder.edit("a.md", "# Apples", "---\ntags: [fruit]\n---\n# Apples")
    assert library.ingest().embedded == 1, "the front matter itself"
    chunks = [chunk for chunk in library.store.snapshot().chunks() if chunk.source == "a.md"]
    assert [chunk.metadata for chunk in chunks] == [{"tags": ["fruit"]}] * 3
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


@pytest.mark.parametrize("text", ["", "\n\n", "<!-- nothing -->\n", "---\ntitle: T\n---\n"])
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
    row = next(chunk for chunk in snapshot.chunks() if chunk.content.startswith("Service: Web"))
    [vector] = builtin.embed_documents([row.searchable_text])
    [(nearest, cosine)] = snapshot.search_vectors(vector, limit=1)
    assert nearest.chunk == row
    assert cosine == pytest.approx(1, abs=1e-3)
    library.begin_to_count()
    again = ingest(library.settings, library.store, builtin)
    assert (again.embedded, again.generation, library.writes) == (0, report.generation, 0)
