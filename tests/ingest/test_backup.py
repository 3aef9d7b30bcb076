"""Export and import of a generation: the same documents, chunks and vectors arrive, or nothing changes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.backup import export_backup, import_backup
from ingest.staging.rollback import roll_back
from rag.errors import BackupError, EmbedderMismatch, StoreEmpty
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import StoreSettings
from rag.store.store import Store
from tests.kit.corpus import Library, MakeLibrary


def import_into(library: Library, path: Path) -> int:
    return import_backup(library.settings, library.store, library.embedder, path).generation


def test_ids_texts_vectors_and_manifests_are_equal_after_the_journey(
    library: Library, backup: Path, make_library: MakeLibrary
) -> None:
    other = make_library()
    report = import_backup(other.settings, other.store, other.embedder, backup)
    assert other.live() == library.live()
    assert other.store.snapshot().documents() == library.store.snapshot().documents()
    assert other.statistics() == library.statistics()
    live, was = other.store.snapshot().commit, library.store.snapshot().commit
    assert (report.generation, report.documents, report.chunks) == (1, was.documents, was.chunks)
    assert (live.documents, live.chunks, live.root) == (was.documents, was.chunks, was.root)
    assert sorted(map(repr, other.store.snapshot().chunks())) == sorted(map(repr, library.store.snapshot().chunks()))


def test_an_ingest_of_the_same_folder_embeds_and_writes_nothing_afterwards(
    library: Library, backup: Path, make_library: MakeLibrary
) -> None:
    other = make_library(library.folder.root)
    import_into(other, backup)
    other.begin_to_count()
    report = other.ingest()
    assert (report.embedded, report.generation, other.writes) == (0, 1, 0)
    assert report.documents.unchanged == len(library.store.snapshot().documents())


def test_an_import_replaces_what_was_live_and_can_be_undone(
    library: Library, backup: Path, make_library: MakeLibrary
) -> None:
    other = make_library()
    other.folder.write("own.md", "# Own\n\nA word of its own.\n")
    other.ingest()
    before = other.live()
    assert import_into(other, backup) == 2
    assert other.live() == library.live()
    roll_back(other.store)
    assert other.live() == before


def test_the_file_can_be_imported_where_the_words_are_not_searched(
    library: Library, backup: Path, make_library: MakeLibrary, tmp_path: Path
) -> None:
    dense = make_library(mode="dense")
    import_into(dense, backup)
    export_backup(dense.store, tmp_path / "dense.parquet")
    back = make_library()
    import_into(back, tmp_path / "dense.parquet")
    assert back.live() == library.live()
    assert back.statistics() == library.statistics()
    # Its score is another: the store's own statistics count deleted rows for a while.
    [(found, _score)] = back.store.snapshot().search_terms(["apples"], limit=1)
    [(known, _score)] = library.store.snapshot().search_terms(["apples"], limit=1)
    assert found == known


def test_more_than_a_group_of_documents_travels_whole(make_library: MakeLibrary, tmp_path: Path) -> None:
    library, other = make_library(batch_size=500), make_library()
    for number in range(230):
        library.folder.write(f"{number:03}.md", f"# Note {number}\n\nThe word{number} stands here.\n")
    library.folder.write(
        "long.md", "".join(f"# Part {number}\n\nThe part{number} is long.\n\n" for number in range(1100))
    )
    library.ingest()
    seen: list[int] = []
    report = export_backup(
        library.store, tmp_path / "many.parquet", on_progress=lambda progress: seen.append(progress.documents)
    )
    assert report.documents == 231
    assert report.chunks > 1300
    assert seen == sorted(seen)
    assert seen[-1] == 231
    assert pq.ParquetFile(tmp_path / "many.parquet").num_row_groups > 2
    import_into(other, tmp_path / "many.parquet")
    assert other.live() == library.live()


def test_a_document_without_chunks_travels_too(make_library: MakeLibrary, tmp_path: Path) -> None:
    library, other = make_library(), make_library()
    library.folder.write("empty.md", "---\ntitle: Nothing yet\n---\n")
    library.folder.write("full.md", "# Full\n\nA word.\n")
    library.ingest()
    export_backup(library.store, tmp_path / "b.parquet")
    import_into(other, tmp_path / "b.parquet")
    assert other.store.snapshot().documents() == library.store.snapshot().documents()
    assert other.store.snapshot().documents()["empty.md"].chunks == 0


def test_an_earlier_file_of_the_name_stays_until_the_new_one_is_whole(
    library: Library, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = backup.read_bytes()

    def interrupt(progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_backup(library.store, backup, on_progress=interrupt)
    assert backup.read_bytes() == earlier
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]


def test_a_backup_is_for_its_owner_alone(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_and_an_empty_store_are_named(
    library: Library, make_library: MakeLibrary, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match=r"nowhere/b\.parquet cannot be written: No such file"):
        export_backup(library.store, tmp_path / "nowhere" / "b.parquet")
    with pytest.raises(StoreEmpty):
        export_backup(make_library().store, tmp_path / "b.parquet")
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_another_embedder_are_refused(library: Library, backup: Path, make_library: MakeLibrary) -> None:
    other = make_library()
    other.embedder = ScriptedEmbedder(fingerprint="fedcba9876543210")
    with pytest.raises(EmbedderMismatch, match=r"made with scripted/words .*embeds with scripted/words"):
        import_into(other, backup)
    assert other.store.state() is None


_IMPORT = """
import sys
from pathlib import Path
from ingest.backup import import_backup
from rag.settings_loader import load_settings
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.store import Store
settings = load_settings()
store = Store.open(settings.store)
import_backup(settings, store, ScriptedEmbedder(), Path(sys.argv[1]))
store.close()
"""


@pytest.mark.parametrize("point", ["chunks_inserted", "terms_written", "committed"])
def test_an_import_that_is_killed_leaves_a_whole_generation(
    point: str, backup: Path, library: Library, tmp_path: Path
) -> None:
    """The earlier one, or, once it was committed, the new one; and it can be repeated."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")} | {
        "ZHIWEN_STORE__URI": str(tmp_path / "m.db"),
        "ZHIWEN_FAILPOINT": point,
    }

    def run(**extra: str) -> int:
        command = [sys.executable, "-c", _IMPORT, str(backup)]
        return subprocess.run(
            command, env=environment | extra, cwd=tmp_path, capture_output=True, check=False
        ).returncode

    def documents() -> dict[str, object] | None:
        store = Store.open(StoreSettings(uri=str(tmp_path / "m.db")))
        try:
            return dict(store.snapshot().documents()) if store.state() else None
        finally:
            store.close()

    expected = library.store.snapshot().documents()
    assert run() == -9
    assert documents() == (expected if point == "committed" else None)
    assert run(ZHIWEN_FAILPOINT="") == 0
    assert documents() == expected
