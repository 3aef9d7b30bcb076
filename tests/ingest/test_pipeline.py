"""Cutting, embedding and writing at the same time: the outcome does not show it, and nothing is left behind."""

import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from ingest.staging.report import Progress
from ingest.staging.staging import Staging
from ingest.sync import ingest
from rag.errors import EmbedderError, IngestStopped, StoreError
from rag.models.embedders.protocol import Matrix, OnEmbedded, ignore_embedded
from rag.models.embedders.scripted import ScriptedEmbedder
from tests.kit.batch_embedder import BatchEmbedder
from tests.kit.corpus import Library, MakeLibrary, change_everything_a_little, document, write_small_corpus
from tests.kit.pictures import difference
from tests.kit.process_table import children
from tests.kit.raw_rows import litter
from tests.kit.waiting import eventually


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    """The small corpus, not ingested yet."""
    library = make_library()
    write_small_corpus(library.folder.root)
    return library


@pytest.mark.parametrize("seed", range(5))
def test_what_is_staged_does_not_depend_on_which_stage_is_faster(
    seed: int, library: Library, make_library: MakeLibrary
) -> None:
    """Batches of every size come in any order, and the embedder is slow now and then."""
    rng = random.Random(seed)  # noqa: S311
    embedder = BatchEmbedder(
        batch_size=rng.randint(1, 9), seed=seed, before_batch=lambda: time.sleep(rng.choice((0, 0, 0.02)))
    )
    reports = []
    for even in (False, True):
        other = make_library(library.folder.root)
        reports.append((other.ingest(embedder=other.embedder if even else embedder), other))
    (slow, one), (fast, another) = reports
    assert not difference(one.live(), another.live())
    assert (slow.embedded, slow.chunks, slow.documents) == (fast.embedded, fast.chunks, fast.documents)


def test_documents_are_cut_while_the_store_loads_its_chunks(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first use of a file with many chunks takes seconds."""
    library.ingest()
    change_everything_a_little(library.folder)
    was_cut = threading.Event()
    load_chunks = Staging.load_chunks

    def load(staging: Staging) -> None:
        assert was_cut.wait(60)
        load_chunks(staging)

    monkeypatch.setattr(Staging, "load_chunks", load)
    library.ingest(on_progress=lambda progress: progress.chunks and was_cut.set())
    library.assert_clean()


def test_an_error_while_the_store_loads_its_chunks_ends_the_ingest(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.ingest()
    before = library.live()
    library.folder.edit("lantern.md", "lantern2", "lantern2 and candle")

    def load(staging: Staging) -> None:
        raise StoreError("its disk is gone")

    monkeypatch.setattr(Staging, "load_chunks", load)
    with pytest.raises(StoreError, match="its disk is gone"):
        library.ingest()
    monkeypatch.undo()
    assert library.live() == before
    library.ingest()
    library.assert_clean()


def test_texts_are_embedded_longest_first_in_windows_that_grow(new_library: Library) -> None:
    class Watched(ScriptedEmbedder):
        def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
            windows.append([len(text.encode()) for text in texts])
            return super().embed_documents(texts, on_embedded)

    windows: list[list[int]] = []
    shutil.rmtree(new_library.folder.root)
    for number in range(40):
        new_library.folder.write(f"{number:02}.md", f"# Page\n\n{'w ' * number}{number}\n")
    new_library.ingest(embedder=Watched())
    assert [len(sizes) for sizes in windows] == [4, 8, 16, 12]
    assert all(sizes == sorted(sizes, reverse=True) for sizes in windows)


def test_a_text_that_two_windows_share_is_embedded_once(library: Library) -> None:
    """The second window is compared with the store before the first is embedded."""
    for number in range(12):
        library.folder.write(f"same{number}.md", "# Same\n\nThe same words.\n\n## Again\n\nThe same again.\n")
    library.ingest()
    assert len(library.embedder.texts) == len(set(library.embedder.texts))
    library.assert_clean()


def test_what_is_under_way_is_bounded_however_slow_the_embedder_is(library: Library) -> None:
    """Nothing is read any more while more than two windows wait."""
    for number in range(60):
        library.folder.write(f"long{number:02}.md", document(f"long{number}", paragraphs=40))
    gate = threading.Event()
    seen: list[Progress] = []

    def look(progress: Progress) -> None:
        # A heartbeat that brings nothing new: all stages wait for the embedder.
        if progress in seen[-1:]:
            gate.set()
        seen.append(progress)

    embedder = BatchEmbedder(batch_size=10_000, before_batch=lambda: gate.wait(60))
    report = ingest(library.settings, library.store, embedder, on_progress=look)
    before_the_first = max(progress.chunks for progress in seen if not progress.embedded)
    assert before_the_first < 2 * 512 + 3 * 40
    assert report.chunks.added > before_the_first + 512


@pytest.mark.parametrize("where", ["embedder", "progress", "store", "parser"])
def test_the_first_error_ends_all_stages_and_leaves_no_thread_and_no_process(
    where: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_corpus(library.folder.root / "more")
    before, processes = set(threading.enumerate()), set(children(os.getpid()))
    embedder = BatchEmbedder()
    expected: type[Exception] = EmbedderError
    on_progress: Callable[[Progress], None] = lambda progress: None  # noqa: E731
    if where == "embedder":
        embedder.fails_at_call = 4
    elif where == "progress":
        expected, on_progress = IngestStopped, stop_at(6)
    elif where == "store":
        expected = StoreError
        library.begin_to_count()
        library.refuse_write(8)
    else:
        expected = IngestStopped
        monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(expected):
        ingest(library.settings, library.store, embedder, on_progress=on_progress)
    assert [
        thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("ingest")
    ] == []
    eventually(lambda: set(children(os.getpid())) <= processes, message="the parser to end")
    library.begin_to_count()
    monkeypatch.undo()
    assert library.ingest().ok
    library.assert_clean()


@pytest.mark.parametrize("where", ["embedding", "parsing"])
def test_an_ingest_is_stopped_while_a_stage_waits(
    where: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends although the stage goes on waiting."""
    released, waiting = threading.Event(), threading.Event()
    ended: list[bool] = []

    def wait() -> None:
        waiting.set()
        ended.append(released.wait(60))

    embedder = BatchEmbedder(before_batch=wait if where == "embedding" else lambda: None)
    if where == "parsing":
        monkeypatch.setattr("ingest.document_process._CHILD", "import signal; signal.pause() #{descriptor}")
        monkeypatch.setattr("ingest.document_process._START_SECONDS", 600)  # beyond the time limit of a test
        waiting.set()

    def stop(progress: Progress) -> None:
        if waiting.is_set():
            raise IngestStopped("enough")

    with pytest.raises(IngestStopped, match="enough"):
        ingest(library.settings, library.store, embedder, on_progress=stop)
    assert not ended
    released.set()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("ingest-")])


def test_progress_is_told_while_nothing_moves(library: Library) -> None:
    gate = threading.Event()
    seen: list[Progress] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) > 40:  # more than the documents and windows there are
            gate.set()

    library.ingest(embedder=BatchEmbedder(before_batch=lambda: gate.wait(60)), on_progress=look)
    assert gate.is_set()
    library.assert_clean()


def test_a_document_whose_text_is_refused_keeps_its_old_version_and_no_other_is_touched(library: Library) -> None:
    library.ingest()
    old = [line for line in library.live() if '"source": "lantern.md"' in line]
    change_everything_a_little(library.folder)
    library.folder.edit("lantern.md", "lantern2", "lantern2 and durian")
    library.folder.write("novel.md", document("novel", note=" durian"))
    report = library.ingest(embedder=BatchEmbedder(refuses="durian"), allow_mass_deletion=True)
    assert [failure.source for failure in report.failures] == ["lantern.md", "novel.md"]
    assert "cannot be embedded: it smells" in report.failures[0].error
    assert report.failures[0].error.startswith("lines ")
    assert (report.documents.added, report.documents.changed, report.documents.failed) == (3, 2, 2)
    assert [line for line in library.live() if '"source": "lantern.md"' in line] == old
    assert "novel.md" not in library.store.snapshot().documents()
    assert library.sources_with("novel0") == set()
    assert library.sources_with("beacon1") == {"beacon.md"}
    # Once its text can be embedded, all is as in a clean build: what was written of it meanwhile is gone.
    assert library.ingest(embedder=BatchEmbedder()).ok
    library.assert_clean()
    assert litter(library.store) == []


def test_a_document_whose_text_is_refused_keeps_its_old_version_under_a_new_embedder(library: Library) -> None:
    library.ingest()
    library.folder.edit("lantern.md", "lantern2", "durian")
    report = library.ingest(embedder=BatchEmbedder(refuses="durian", fingerprint="fedcba9876543210"))
    assert [failure.source for failure in report.failures] == ["lantern.md"]
    assert library.sources_with("lantern2") == {"lantern.md"}
    assert sorted(library.store.snapshot().documents()) == library.folder.sources()


def test_a_document_that_a_new_embedder_refuses_in_both_versions_is_named_and_left_out(library: Library) -> None:
    library.folder.edit("lantern.md", "lantern2", "durian")
    library.ingest()
    report = library.ingest(embedder=BatchEmbedder(refuses="durian", fingerprint="fedcba9876543210"))
    assert [failure.source for failure in report.failures] == ["lantern.md"]
    assert "lantern.md" not in library.store.snapshot().documents()
    assert library.sources_with("lantern0") == set()
    assert library.sources_with("harbour1") == {"harbour.md"}


def test_if_every_text_is_refused_nothing_is_committed(library: Library) -> None:
    library.ingest()
    before = library.live()
    library.folder.write("novel.md", document("novel", note=" durian"))
    report = library.ingest(embedder=BatchEmbedder(refuses="durian"))
    assert [failure.source for failure in report.failures] == ["novel.md"]
    assert (library.live(), report.generation) == (before, 1)
    assert litter(library.store) == []
    assert library.store.notes.is_clean()


def test_a_renamed_folder_takes_few_writes(library: Library) -> None:
    """A write costs a file with many rows a tenth of a second, however few rows it is of."""
    for number in range(60):
        library.folder.write(f"old/{number:02}.md", document(f"page{number}"))
    library.ingest()
    library.begin_to_count()
    (library.folder.root / "old").rename(library.folder.root / "new")
    report = library.ingest(allow_mass_deletion=True)
    assert (report.embedded, library.embedder.calls, report.documents.added) == (0, 0, 60)
    rows_in_a_write = 4 * library.settings.embedding.batch_size
    assert library.writes < report.chunks.added / rows_in_a_write + 40
    library.assert_clean()


def stop_at(number: int) -> Callable[[Progress], None]:
    """Raises at the given sign of progress."""
    left = number

    def on_progress(progress: Progress) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise IngestStopped("stopped by the test")

    return on_progress
