"""An ingest that was interrupted is continued: what was embedded is not embedded again."""

import shutil
from pathlib import Path

import pytest

from ingest.staging.rollback import roll_back
from ingest.sync import ingest
from rag.errors import EmbedderError, IngestStopped, StoreError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.rows import chunks_collection
from rag.store.store import Store
from rag.wiring import open_store
from tests.kit.batch_embedder import BatchEmbedder
from tests.kit.corpus import Folder, Library, MakeLibrary, document, settings_for
from tests.kit.ingest_process import IngestProcess, clean_build
from tests.kit.pictures import difference, dump
from tests.kit.raw_rows import WatchedMilvus, collections_of, count_chunk_rows, count_staged_rows, litter, scale_vectors

DOCUMENTS = 40
PARAGRAPHS = 6
CHUNKS = DOCUMENTS * (PARAGRAPHS + 1)  # the front matter is one


def write_documents(folder: Folder) -> int:
    """Write documents whose every chunk has a text of its own; return the number of chunks."""
    for number in range(DOCUMENTS):
        folder.write(f"page{number:02}.md", document(f"page{number}", paragraphs=PARAGRAPHS))
    return CHUNKS


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    """Forty documents, not ingested yet."""
    library = make_library()
    write_documents(library.folder)
    return library


def interrupt(library: Library, *, at_call: int, **options: bool) -> set[str]:
    """Let the embedder fail at its call of this number; return the texts that it embedded before."""
    embedder = ScriptedEmbedder(fails_at_call=at_call)
    with pytest.raises(EmbedderError):
        library.ingest(embedder=embedder, **options)
    return set(embedder.texts)


def test_after_kill_9_at_60_percent_of_a_first_ingest_at_most_45_percent_are_embedded(tmp_path: Path) -> None:
    folder, database = Folder(tmp_path / "docs"), tmp_path / "m.db"
    chunks = write_documents(folder)
    clean = clean_build(folder, tmp_path / "clean.db")
    # Every write is of 16 chunks, but for those that end a window.
    victim = IngestProcess(folder.root, database, failpoint=f"chunks_inserted:{chunks * 6 // 10 // 16 + 4}")
    victim.found()
    assert victim.ended().exit_code == -9
    settings = settings_for(folder.root, database)
    with open_store(settings) as store:
        assert 0.5 * chunks < count_staged_rows(store) < 0.7 * chunks
        report = ingest(settings, store, ScriptedEmbedder())
        assert (report.chunks.added, report.embedded) == (chunks, pytest.approx(0.4 * chunks, abs=0.05 * chunks))
        assert not difference(dump(store), clean)
        assert litter(store) == []
        assert store.notes.is_clean()
        assert count_chunk_rows(store) == chunks


def test_what_was_embedded_before_a_failure_is_not_embedded_again(library: Library) -> None:
    before = interrupt(library, at_call=6)
    library.ingest()
    assert before
    assert before.isdisjoint(library.embedder.texts)
    assert len(before) + len(library.embedder.texts) == CHUNKS
    library.assert_clean()
    assert litter(library.store) == []


def test_batches_that_were_embedded_before_a_failure_in_their_window_are_kept(library: Library) -> None:
    embedder = BatchEmbedder(batch_size=2)
    embedder.fails_at_call = 50
    with pytest.raises(EmbedderError):
        library.ingest(embedder=embedder)
    assert len(embedder.texts) == 95  # 49 calls, three of which ended a window with one text
    library.ingest()
    assert set(embedder.texts).isdisjoint(library.embedder.texts)
    library.assert_clean()


def test_a_reingest_goes_on_too_and_readers_see_nothing_of_it(library: Library) -> None:
    library.ingest()
    before = library.live()
    for source in library.folder.sources():
        library.folder.edit(source, "has", "had once and has")
    first = interrupt(library, at_call=5)
    assert first
    # A reader, and an ingest that is interrupted before it embeds anything, find the live generation as it was.
    assert library.live() == before
    with pytest.raises(IngestStopped):
        library.ingest(on_progress=_stop)
    assert library.live() == before
    library.embedder.texts.clear()
    library.ingest()
    assert first.isdisjoint(library.embedder.texts)
    library.assert_clean()
    assert litter(library.store) == []


def test_however_often_it_is_interrupted_each_text_is_kept_once(library: Library) -> None:
    embedded: list[str] = []
    for at_call in (4, 1, 2, 2):
        embedder = ScriptedEmbedder(fails_at_call=at_call)
        with pytest.raises(EmbedderError):
            library.ingest(embedder=embedder)
        embedded += embedder.texts
        # The rows that a run goes on with, and those that it wrote itself: each text at most twice.
        assert count_staged_rows(library.store) <= 2 * len(embedded)
    library.ingest()
    embedded += library.embedder.texts
    assert len(embedded) == len(set(embedded)) == CHUNKS
    library.assert_clean()
    assert litter(library.store) == []


def test_documents_that_change_in_between_are_taken_as_they_are(library: Library) -> None:
    interrupt(library, at_call=6)
    library.folder.delete("page00.md")
    library.folder.edit("page01.md", "page10", "pageten")
    library.folder.rename("page02.md", "moved/page02.md")
    library.ingest()
    assert "page02" not in " ".join(library.embedder.texts)
    library.assert_clean()
    assert litter(library.store) == []


@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_a_vector_that_was_written_wrongly_is_not_trusted(library: Library, factor: float) -> None:
    interrupt(library, at_call=6)
    assert scale_vectors(library.store, factor)
    report = library.ingest()
    assert report.embedded == CHUNKS
    library.assert_clean()


def test_another_embedder_takes_nothing_over(library: Library) -> None:
    interrupt(library, at_call=6)
    other = ScriptedEmbedder(fingerprint="fedcba9876543210")
    report = library.ingest(embedder=other)
    assert report.embedded == CHUNKS
    assert litter(library.store) == []


def test_a_namespace_that_is_there_only_in_part_is_not_gone_on_with(library: Library) -> None:
    interrupt(library, at_call=6)
    manifests = next(name for name in collections_of(library.store) if name.endswith("_ledger"))
    library.store._milvus.drop(manifests)
    assert chunks_collection(manifests.removesuffix("_ledger")) in collections_of(library.store)
    library.ingest()
    library.assert_clean()
    assert litter(library.store) == []


def test_after_a_failure_at_any_write_another_process_completes_a_first_ingest(tmp_path: Path) -> None:
    """A file is opened again, as it is after a crash: some failures leave a namespace without a row."""
    folder = Folder(tmp_path / "docs")
    for number in range(6):
        folder.write(f"page{number}.md", document(f"page{number}"))
    clean = clean_build(folder, tmp_path / "clean.db")
    number = 0
    while True:
        number += 1
        settings = settings_for(folder.root, tmp_path / f"{number}.db")
        milvus = WatchedMilvus(settings.store.uri)
        milvus.refuses_write = number
        try:
            ingest(settings, Store(milvus, collection=settings.store.collection), ScriptedEmbedder())
        except StoreError:
            milvus.close()
        else:
            milvus.close()
            break
        with open_store(settings) as store:
            ingest(settings, store, ScriptedEmbedder())
            assert not difference(dump(store), clean), f"after write {number} was refused"
            assert litter(store) == []
    assert number > 8


def test_an_interrupted_change_that_is_taken_back_leaves_nothing(library: Library) -> None:
    library.ingest()
    kept = (library.folder.root / "page00.md").read_bytes()
    library.folder.edit("page00.md", "has", "had once and has")
    library.folder.write("bad.md", b"\xff\xff")  # the ingest has something to do besides
    with pytest.raises(IngestStopped):
        library.ingest(on_progress=_stop_after_a_write(library))
    library.folder.write("page00.md", kept)
    library.folder.delete("bad.md")
    report = library.ingest()
    assert (report.embedded, report.chunks.added) == (0, 0)
    assert library.store.notes.is_clean()
    assert litter(library.store) == []
    assert count_chunk_rows(library.store) == CHUNKS
    library.begin_to_count()
    library.ingest()
    assert library.writes == 0


def test_a_rollback_after_an_interrupted_ingest_is_clean(library: Library) -> None:
    library.ingest()
    first = library.live()
    library.folder.edit("page00.md", "has", "had once and has")
    library.ingest()
    library.folder.edit("page01.md", "has", "had once and has")
    interrupt(library, at_call=1)
    roll_back(library.store)
    assert library.live() == first
    library.ingest()
    library.assert_clean()
    assert litter(library.store) == []


def test_a_database_of_an_interrupted_ingest_can_be_copied_and_gone_on_with(tmp_path: Path) -> None:
    """All that is kept is in the store itself."""
    folder = Folder(tmp_path / "docs")
    chunks = write_documents(folder)
    settings = settings_for(folder.root, tmp_path / "m.db")
    with open_store(settings) as store, pytest.raises(EmbedderError):
        ingest(settings, store, ScriptedEmbedder(fails_at_call=6))
    shutil.copyfile(tmp_path / "m.db", tmp_path / "copy.db")
    copied = settings_for(folder.root, tmp_path / "copy.db")
    with open_store(copied) as store:
        assert ingest(copied, store, ScriptedEmbedder()).embedded < chunks


def _stop(progress: object) -> None:
    raise IngestStopped("stopped by the test")


def _stop_after_a_write(library: Library):  # type: ignore[no-untyped-def]
    library.begin_to_count()

    def stop(progress: object) -> None:
        if library.writes > 2:
            raise IngestStopped("stopped by the test")

    return stop
