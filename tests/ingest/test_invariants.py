"""The seven invariants of docs/architecture.md, each under its number, on a real Milvus Lite."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.staging.report import Progress
from rag.errors import GoldenQuestionsLost, KnowledgeError
from rag.store.milvus.client import Milvus
from rag.wiring import open_store
from tests.kit.corpus import (
    NAMES,
    NOT_TEXT,
    Folder,
    IngestProcess,
    Shelf,
    WordHashEmbedder,
    change_everything_a_little,
    clean_build,
    difference,
    document,
    dump,
    litter,
    settings_for,
    shelf_in,
    write_small_corpus,
)

NewShelf = Callable[..., Shelf]
_WRITES = ("upsert", "insert", "delete", "create", "drop")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    milvus = Milvus(str(tmp_path_factory.mktemp("invariants") / "m.db"))
    yield milvus
    milvus.close()


@pytest.fixture(scope="module")
def new_shelf(opened: Milvus, tmp_path_factory: pytest.TempPathFactory) -> NewShelf:
    """The small corpus, not ingested yet."""
    numbers = itertools.count(1)

    def make(*, keep: int = 1) -> Shelf:
        folder = write_small_corpus(tmp_path_factory.mktemp("docs"))
        return shelf_in(opened, folder, collection=f"shelf{next(numbers)}", keep=keep)

    return make


@pytest.fixture
def shelf(new_shelf: NewShelf) -> Shelf:
    """The small corpus, ingested."""
    shelf = new_shelf()
    assert shelf.ingest().ok
    return shelf


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the writes of every Milvus connection, and lets them through."""
    counted: Counter[str] = Counter()

    def counting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Milvus, collection: str, *arguments: Any, **options: Any) -> Any:
            rows = arguments[0] if name in ("upsert", "insert") else [None]
            counted[name] += bool(rows)
            return original(self, collection, *arguments, **options)

        return call

    for name in _WRITES:
        if hasattr(Milvus, name):
            monkeypatch.setattr(Milvus, name, counting(name, getattr(Milvus, name)))
    return counted


def test_invariant_1_a_reader_sees_exactly_one_generation(shelf: Shelf) -> None:
    """Whatever is staged, new requests see the old one until the commit; those under way see it to their end."""
    before, under_way = shelf.live(), shelf.store.snapshot()
    seen: list[list[str]] = []
    change_everything_a_little(shelf.folder)

    def look(progress: Progress) -> None:
        seen.append(shelf.live())

    shelf.ingest(allow_mass_deletion=True, on_plan=lambda plan: look(Progress(0, 0, 0, 0)), on_progress=look)
    assert len(seen) > 10
    for picture in seen:
        assert not difference(picture, before)
    assert difference(shelf.live(), before)
    assert not difference(dump(shelf.store, under_way.commit), before)
    assert shelf.sources_with("orchard1", under_way) == shelf.sources_answering("orchard1?", under_way) & {"orchard.md"}
    assert shelf.sources_with("beacon1", under_way) == set()
    assert "beacon.md" not in shelf.sources_answering("beacon1?", under_way)


def test_invariant_1_holds_for_a_request_under_way_when_no_earlier_generation_is_kept(new_shelf: NewShelf) -> None:
    """`store.keep_generations: 0` gives up rollback, not the answers of those who asked before the commit."""
    shelf = new_shelf(keep=0)
    shelf.ingest()
    before, under_way = shelf.live(), shelf.store.snapshot()
    shelf.folder.edit("harbour.md", "harbour1", "harbour1changed")
    shelf.ingest()
    assert not difference(dump(shelf.store, under_way.commit), before)


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
    assert not victim.remains()
    second = clean_build(folder, tmp_path / "clean.db")
    with open_store(settings_for(folder.root, database)) as store:
        state = store.state()
        assert state
        assert [commit.generation for commit in state.history] == [1, 2]
        assert not difference(dump(store, state.history[0]), first)
        assert not difference(dump(store), second)


def test_invariant_3_crash_anywhere_then_rerun_gives_the_rows_of_a_clean_build(shelf: Shelf, opened: Milvus) -> None:
    """Every step, random moments and the death of Milvus are in test_kills.py; here, at each sign of progress."""
    before = shelf.live()
    change_everything_a_little(shelf.folder)
    crashes = 0
    for moment in itertools.count(1):
        try:
            shelf.ingest(allow_mass_deletion=True, on_progress=crash_at(moment))
        except _Crash:
            crashes += 1
            assert not difference(shelf.live(), before)
        else:
            break
    assert crashes > 10
    clean = shelf_in(opened, shelf.folder, collection="clean")
    clean.ingest()
    assert not difference(shelf.live(), clean.live())
    assert litter(shelf.store) == []
    assert shelf.store.snapshot().statistics == clean.store.snapshot().statistics


def test_invariant_3_an_aborted_generation_leaves_nothing_behind_in_a_running_service(
    shelf: Shelf, opened: Milvus
) -> None:
    """The same number is staged twice with different rows: what was read of the first must not answer for the other."""
    golden = "questions:\n  - question: harbour1?\n    expect: [harbour1]\n    source: harbour.md\n"
    shelf.folder.write("golden.yaml", golden)
    shelf.folder.edit("lantern.md", "lantern1", "lantern1changed")
    shelf.ingest()
    shelf.folder.write("harbour.md", document("nothing", paragraphs=9))
    with pytest.raises(GoldenQuestionsLost):
        shelf.ingest()
    shelf.folder.write("harbour.md", document("harbour", paragraphs=2))
    shelf.ingest()
    clean = shelf_in(opened, shelf.folder, collection="clean_after_abort")
    clean.ingest()
    assert not difference(shelf.live(), clean.live())
    assert shelf.store.snapshot().statistics == clean.store.snapshot().statistics


def test_invariant_4_deleted_documents_are_gone_from_answers_at_commit(shelf: Shelf) -> None:
    shelf.folder.delete("orchard.md")
    during: list[set[str]] = []
    shelf.ingest(
        on_plan=lambda plan: during.append(shelf.sources_with("orchard1")),
        on_progress=lambda progress: during.append(shelf.sources_with("orchard1")),
    )
    assert during
    assert all(sources == {"orchard.md"} for sources in during)
    assert shelf.sources_with("orchard1") == set()
    assert "orchard.md" not in shelf.sources_answering("What does the word orchard1 mean in the orchard?")
    assert "orchard.md" not in shelf.sources_answering("第1段说的是什么？")
    assert "orchard.md" not in shelf.store.snapshot().documents()
    assert len(shelf.sources_answering("第1段说的是什么？")) == len(NAMES) - 1


def test_invariant_4_a_deleted_paragraph_is_gone_from_answers_at_commit(shelf: Shelf) -> None:
    shelf.folder.edit("harbour.md", "harbour1", "quay")
    shelf.ingest()
    assert shelf.sources_with("harbour1") == set()
    assert shelf.sources_with("quay") == {"harbour.md"}


def test_invariant_5_an_unchanged_corpus_costs_0_embeddings_and_0_writes(shelf: Shelf, writes: Counter[str]) -> None:
    calls, before = shelf.embedder.calls, shelf.live()
    for source in shelf.folder.sources()[:3]:
        shelf.folder.touch(source)
    reports = [shelf.ingest(), shelf.ingest(verify=True), shelf.ingest(allow_mass_deletion=True)]
    assert +writes == Counter()
    assert shelf.embedder.calls == calls
    assert [(report.generation, report.embedded, report.documents.unchanged) for report in reports] == [(1, 0, 8)] * 3
    assert not difference(shelf.live(), before)
    # The counters do count.
    shelf.folder.edit("harbour.md", "harbour1", "quay")
    shelf.ingest()
    assert writes["upsert"] + writes["insert"] > 0
    assert shelf.embedder.calls == calls + 1


def test_invariant_5_only_what_changed_is_embedded(shelf: Shelf) -> None:
    shelf.embedder.texts.clear()
    shelf.folder.rename("quarry.md", "moved/quarry.md")
    report = shelf.ingest()
    assert (report.embedded, shelf.embedder.texts) == (0, [])
    shelf.folder.edit("viaduct.md", "viaduct2", "bridge")
    report = shelf.ingest()
    assert report.embedded == len(shelf.embedder.texts) == 1
    assert "bridge" in shelf.embedder.texts[0]


def test_invariant_6_a_document_that_fails_keeps_its_old_version_and_takes_no_other_down(shelf: Shelf) -> None:
    old = [line for line in shelf.live() if '"source": "lantern.md"' in line]
    shelf.folder.write("lantern.md", NOT_TEXT)
    shelf.folder.write("novel.md", NOT_TEXT)
    shelf.folder.edit("harbour.md", "harbour1", "quay")
    report = shelf.ingest()
    assert not report.ok
    assert [failure.source for failure in report.failures] == ["lantern.md", "novel.md"]
    assert (report.documents.changed, report.documents.added, report.documents.failed) == (1, 0, 2)
    assert [line for line in shelf.live() if '"source": "lantern.md"' in line] == old
    assert shelf.sources_with("lantern1") == {"lantern.md"}
    assert shelf.sources_with("quay") == {"harbour.md"}
    assert "novel.md" not in shelf.store.snapshot().documents()
    # It is named again until it is mended.
    assert [failure.source for failure in shelf.ingest().failures] == ["lantern.md", "novel.md"]
    shelf.folder.write("lantern.md", document("lamp"))
    shelf.folder.delete("novel.md")
    assert shelf.ingest().ok
    assert (shelf.sources_with("lantern1"), shelf.sources_with("lamp1")) == (set(), {"lantern.md"})


def test_invariant_6_a_broken_document_keeps_its_old_version_under_a_new_embedder_too(shelf: Shelf) -> None:
    shelf.folder.write("lantern.md", NOT_TEXT)
    other = WordHashEmbedder(fingerprint="fedcba9876543210")
    report = shelf.ingest(embedder=other)
    assert [failure.source for failure in report.failures] == ["lantern.md"]
    assert shelf.store.snapshot().commit.fingerprint == other.fingerprint
    assert shelf.sources_with("lantern1") == {"lantern.md"}
    assert sorted(shelf.store.snapshot().documents()) == shelf.folder.sources()


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
    assert done.returncode == 1
    assert "bad.md" in done.stdout + done.stderr
    assert "good.md" not in done.stderr


def test_invariant_7_a_missing_or_empty_root_is_an_error_not_a_deletion(shelf: Shelf, writes: Counter[str]) -> None:
    before, root = shelf.live(), shelf.folder.root
    moved = root.with_name(f"{root.name}-moved")
    root.rename(moved)
    with pytest.raises(KnowledgeError, match="does not exist"):
        shelf.ingest(allow_mass_deletion=True)
    root.mkdir()
    with pytest.raises(KnowledgeError, match="holds no documents"):
        shelf.ingest(allow_mass_deletion=True)
    root.rmdir()
    root.write_text("a file in place of the folder")
    with pytest.raises(KnowledgeError, match="not a folder"):
        shelf.ingest(allow_mass_deletion=True)
    assert +writes == Counter()
    assert not difference(shelf.live(), before)


def test_invariant_7_deleting_more_than_a_fifth_needs_to_be_allowed(shelf: Shelf, writes: Counter[str]) -> None:
    before = shelf.live()
    shelf.folder.delete("harbour.md")
    shelf.folder.delete("lantern.md")
    shelf.folder.edit("saddle.md", "saddle1", "bridle")
    with pytest.raises(KnowledgeError, match=r"2 of 8 documents .* --allow-mass-deletion"):
        shelf.ingest()
    assert +writes == Counter()
    assert not difference(shelf.live(), before)
    shelf.folder.write("lantern.md", document("lantern"))
    assert shelf.ingest().documents.removed == 1  # of eight, that is less than a fifth
    shelf.folder.delete("lantern.md")
    shelf.folder.delete("orchard.md")
    assert shelf.ingest(allow_mass_deletion=True).documents.removed == 2
    assert shelf.sources_with("lantern1") == shelf.sources_with("orchard1") == set()


class _Crash(BaseException):
    """Not an error that anything in between may handle."""


def crash_at(moment: int) -> Callable[[Progress], None]:
    """Raises at the given sign of progress."""
    left = moment

    def on_progress(progress: Progress) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise _Crash

    return on_progress
