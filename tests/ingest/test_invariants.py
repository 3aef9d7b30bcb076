"""The seven invariants of docs/architecture.md, each under its number, on a real Milvus Lite."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.staging.report import Progress
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.wiring import open_store
from tests.kit.corpus import (
    NAMES,
    NOT_TEXT,
    Folder,
    Library,
    MakeLibrary,
    change_everything_a_little,
    document,
    settings_for,
    write_small_corpus,
)
from tests.kit.ingest_process import IngestProcess, clean_build
from tests.kit.pictures import difference, dump
from tests.kit.raw_rows import litter


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    """The small corpus, ingested; embeddings and writes are counted from now on."""
    library = make_library()
    write_small_corpus(library.folder.root)
    assert library.ingest().ok
    library.begin_to_count()
    return library


def test_invariant_1_a_reader_sees_exactly_one_generation(library: Library) -> None:
    """New requests see the old generation until the commit, whatever is staged; those under way see it to the end."""
    before, under_way = library.live(), library.store.snapshot()
    seen: list[list[str]] = []
    change_everything_a_little(library.folder)

    def look(progress: Progress) -> None:
        seen.append(library.live())

    library.ingest(allow_mass_deletion=True, on_plan=lambda plan: look(Progress(0, 0, 0, 0)), on_progress=look)
    assert len(seen) > 10
    for picture in seen:
        assert not difference(picture, before)
    assert difference(library.live(), before)
    assert not difference(dump(library.store, under_way.commit), before)
    assert library.sources_with("orchard1", under_way) == library.sources_answering("orchard1?", under_way) & {
        "orchard.md"
    }
    assert library.sources_with("beacon1", under_way) == set()
    assert "beacon.md" not in library.sources_answering("beacon1?", under_way)


def test_invariant_1_holds_for_a_request_under_way_when_no_earlier_generation_is_kept(
    make_library: MakeLibrary,
) -> None:
    """`store.keep_generations: 0` gives up rollback, not the requests that began before the commit."""
    library = make_library(keep=0)
    write_small_corpus(library.folder.root)
    library.ingest()
    before, under_way = library.live(), library.store.snapshot()
    library.folder.edit("harbour.md", "harbour1", "harbour1changed")
    library.ingest()
    assert not difference(dump(library.store, under_way.commit), before)


@pytest.mark.parametrize("with_milvus", [False, True])
def test_invariant_2_committed_survives_kill_9(tmp_path: Path, with_milvus: bool) -> None:
    folder, database = write_small_corpus(tmp_path / "docs"), tmp_path / "m.db"
    first = clean_build(folder, database)
    change_everything_a_little(folder)
    victim = IngestProcess(folder.root, database, lingers=True)
    victim.found()
    assert victim.ingested()
    victim.kill(with_milvus=with_milvus)
    assert victim.ended().exit_code == -9
    victim.assert_nothing_remains()
    second = clean_build(folder, tmp_path / "clean.db")
    with open_store(settings_for(folder.root, database)) as store:
        state = store.state()
        assert state
        assert [commit.generation for commit in state.history] == [1, 2]
        assert not difference(dump(store, state.history[0]), first)
        assert not difference(dump(store), second)


def test_invariant_3_crash_anywhere_then_rerun_gives_the_rows_of_a_clean_build(
    library: Library, make_library: MakeLibrary
) -> None:
    """Here it crashes at each sign of progress; test_kills.py has every step, random moments and dying Milvuses."""
    before = library.live()
    change_everything_a_little(library.folder)
    crashes = 0
    for sign in itertools.count(1):
        try:
            library.ingest(allow_mass_deletion=True, on_progress=crash_at(sign))
        except _Crash:
            crashes += 1
            assert not difference(library.live(), before)
        else:
            break
    assert crashes > 8
    clean = make_library(library.folder.root)
    clean.ingest()
    assert not difference(library.live(), clean.live())
    assert litter(library.store) == []
    assert library.store.snapshot().statistics == clean.store.snapshot().statistics


def test_invariant_3_an_aborted_generation_leaves_nothing_behind_in_a_running_service(
    library: Library, make_library: MakeLibrary
) -> None:
    """The same number is staged twice with different rows: what was read of the first must not serve the second."""
    golden = "questions:\n  - question: harbour1?\n    expect: [harbour1]\n    source: harbour.md\n"
    library.folder.write("golden.yaml", golden)
    library.folder.edit("lantern.md", "lantern1", "lantern1changed")
    library.ingest()
    library.folder.write("harbour.md", document("nothing", paragraphs=9))
    with pytest.raises(GoldenQuestionsLost):
        library.ingest()
    library.folder.write("harbour.md", document("harbour", paragraphs=2))
    library.ingest()
    clean = make_library(library.folder.root)
    clean.ingest()
    assert not difference(library.live(), clean.live())
    assert library.store.snapshot().statistics == clean.store.snapshot().statistics


def test_invariant_4_deleted_documents_are_gone_from_answers_at_commit(library: Library) -> None:
    library.folder.delete("orchard.md")
    during: list[set[str]] = []
    library.ingest(
        on_plan=lambda plan: during.append(library.sources_with("orchard1")),
        on_progress=lambda progress: during.append(library.sources_with("orchard1")),
    )
    assert during
    assert all(sources == {"orchard.md"} for sources in during)
    assert library.sources_with("orchard1") == set()
    assert "orchard.md" not in library.sources_answering("What does the word orchard1 mean in the orchard?")
    assert "orchard.md" not in library.sources_answering("第1段说的是什么？")
    assert "orchard.md" not in library.store.snapshot().documents()
    assert len(library.sources_answering("第1段说的是什么？")) == len(NAMES) - 1


def test_invariant_4_a_deleted_paragraph_is_gone_from_answers_at_commit(library: Library) -> None:
    library.folder.edit("harbour.md", "harbour1", "quay")
    library.ingest()
    assert library.sources_with("harbour1") == set()
    assert library.sources_with("quay") == {"harbour.md"}


def test_invariant_5_an_unchanged_corpus_costs_0_embeddings_and_0_writes(library: Library) -> None:
    before = library.live()
    for source in library.folder.sources()[:3]:
        library.folder.touch(source)
    reports = [library.ingest(), library.ingest(verify=True), library.ingest(allow_mass_deletion=True)]
    assert (library.writes, library.embedder.calls) == (0, 0)
    assert [(report.generation, report.embedded, report.documents.unchanged) for report in reports] == [(1, 0, 8)] * 3
    assert not difference(library.live(), before)
    # The counters do count.
    library.folder.edit("harbour.md", "harbour1", "quay")
    library.ingest()
    assert library.writes > 0
    assert library.embedder.calls == 1


def test_invariant_5_only_what_changed_is_embedded(library: Library) -> None:
    library.folder.rename("quarry.md", "moved/quarry.md")
    report = library.ingest()
    assert (report.embedded, library.embedder.texts) == (0, [])
    library.folder.edit("viaduct.md", "viaduct2", "bridge")
    report = library.ingest()
    assert report.embedded == len(library.embedder.texts) == 1
    assert "bridge" in library.embedder.texts[0]


def test_invariant_6_a_document_that_fails_keeps_its_old_version_and_takes_no_other_down(library: Library) -> None:
    old = [line for line in library.live() if '"source": "lantern.md"' in line]
    library.folder.write("lantern.md", NOT_TEXT)
    library.folder.write("novel.md", NOT_TEXT)
    library.folder.edit("harbour.md", "harbour1", "quay")
    report = library.ingest()
    assert not report.ok
    assert [failure.source for failure in report.failures] == ["lantern.md", "novel.md"]
    assert (report.documents.changed, report.documents.added, report.documents.failed) == (1, 0, 2)
    assert [line for line in library.live() if '"source": "lantern.md"' in line] == old
    assert library.sources_with("lantern1") == {"lantern.md"}
    assert library.sources_with("quay") == {"harbour.md"}
    assert "novel.md" not in library.store.snapshot().documents()
    # It is named each time until it is mended.
    assert [failure.source for failure in library.ingest().failures] == ["lantern.md", "novel.md"]
    library.folder.write("lantern.md", document("lamp"))
    library.folder.delete("novel.md")
    assert library.ingest().ok
    assert (library.sources_with("lantern1"), library.sources_with("lamp1")) == (set(), {"lantern.md"})


def test_invariant_6_a_broken_document_keeps_its_old_version_under_a_new_embedder_too(library: Library) -> None:
    library.folder.write("lantern.md", NOT_TEXT)
    other = ScriptedEmbedder(fingerprint="fedcba9876543210")
    report = library.ingest(embedder=other)
    assert [failure.source for failure in report.failures] == ["lantern.md"]
    assert library.store.snapshot().commit.fingerprint == other.fingerprint
    assert library.sources_with("lantern1") == {"lantern.md"}
    assert sorted(library.store.snapshot().documents()) == library.folder.sources()


def test_invariant_6_a_failed_document_makes_the_exit_status_non_zero(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "docs")
    folder.write("good.md", document("good"))
    folder.write("bad.md", NOT_TEXT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("zhiwen"), "ingest"],
        env=environment | {"ZHIWEN_KNOWLEDGE__PATH": str(folder.root), "ZHIWEN_STORE__URI": str(tmp_path / "m.db")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "bad.md" in done.stdout + done.stderr
    assert "good.md" not in done.stderr


def test_invariant_7_a_missing_or_empty_root_is_an_error_not_a_deletion(library: Library) -> None:
    before, root = library.live(), library.folder.root
    moved = root.with_name(f"{root.name}-moved")
    root.rename(moved)
    with pytest.raises(KnowledgeError, match="does not exist"):
        library.ingest(allow_mass_deletion=True)
    root.mkdir()
    with pytest.raises(KnowledgeError, match="holds no documents"):
        library.ingest(allow_mass_deletion=True)
    root.rmdir()
    root.write_text("a file in place of the folder")
    with pytest.raises(KnowledgeError, match="not a folder"):
        library.ingest(allow_mass_deletion=True)
    assert library.writes == 0
    assert not difference(library.live(), before)


def test_invariant_7_losing_more_than_a_fifth_needs_to_be_allowed_and_holds_back_only_deletions(
    library: Library,
) -> None:
    for number in range(40):
        library.folder.write(f"many/{number}.md", document(f"beacon{number:02}x", paragraphs=1))
    library.ingest()
    for number in range(20):
        library.folder.delete(f"many/{number}.md")
    for number in range(20, 35):
        library.folder.rename(f"many/{number}.md", f"moved/{number}.md")
    library.folder.edit("saddle.md", "saddle1", "bridle")
    library.folder.write("new.md", document("new"))
    for _ in range(2):
        report = library.ingest()
        assert (report.deletions_held_back, report.ok) == (20, True)
        assert "--allow-mass-deletion" in report.message
        assert library.sources_with("beacon30x0") == {"moved/30.md"}
        assert library.sources_with("beacon07x0") == {"many/7.md"}
        assert library.sources_with("bridle") == {"saddle.md"}
        assert library.sources_with("new1") == {"new.md"}
    report = library.ingest(allow_mass_deletion=True)
    assert (report.documents.removed, report.deletions_held_back, report.message) == (20, 0, "")
    assert library.sources_with("beacon07x0") == set()
    library.assert_clean()


class _Crash(BaseException):
    """Not an error that anything in between may handle."""


def crash_at(sign: int) -> Callable[[Progress], None]:
    """Raises at the given sign of progress."""
    left = sign

    def on_progress(progress: Progress) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise _Crash

    return on_progress
