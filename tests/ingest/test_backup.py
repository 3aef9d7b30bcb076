"""A generation taken out into a file and back in: the same documents, chunks and vectors, or nothing."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.backup import export_backup, import_backup
from ingest.staging.recovery import roll_back
from rag.errors import BackupError, EmbedderMismatch, StoreEmpty, ZhiwenError
from rag.settings import StoreSettings
from rag.store.rows import SCHEMA_VERSION
from rag.store.store import Store
from tests.kit.library import Library, LibraryMaker, WordEmbedder
from tests.kit.paths import ROOT


def take_in(library: Library, path: Path) -> int:
    return import_backup(library.settings, library.store, library.embedder, path).generation


@pytest.fixture
def backup(library: Library, tmp_path: Path) -> Path:
    path = tmp_path / "backup.parquet"
    export_backup(library.store, path)
    return path


def test_ids_texts_vectors_and_manifests_are_equal_after_the_journey(
    library: Library, backup: Path, make_library: LibraryMaker
) -> None:
    other = make_library()
    report = import_backup(other.settings, other.store, other.embedder, backup)
    assert other.contents() == library.contents()
    assert other.store.snapshot().documents() == library.store.snapshot().documents()
    assert other.statistics() == library.statistics()
    live, was = other.store.snapshot().commit, library.store.snapshot().commit
    assert (report.generation, report.documents, report.chunks) == (1, was.documents, was.chunks)
    assert (live.documents, live.chunks, live.root) == (was.documents, was.chunks, was.root)
    assert sorted(map(repr, (each.chunk for each in other.store.snapshot().chunks()))) == sorted(
        map(repr, (each.chunk for each in library.store.snapshot().chunks()))
    )


def test_an_ingest_of_the_same_folder_embeds_and_writes_nothing_afterwards(
    library: Library, backup: Path, make_library: LibraryMaker
) -> None:
    other = make_library(knowledge__path=str(library.root))
    take_in(other, backup)
    other.watch()
    report = other.ingest()
    assert (report.embedded, report.generation, other.milvus.writes) == (0, 1, 0)
    assert report.documents.unchanged == len(library.store.snapshot().documents())


def test_an_import_replaces_what_was_live_and_can_be_undone(
    library: Library, backup: Path, make_library: LibraryMaker
) -> None:
    other = make_library()
    other.write("own.md", "# Own\n\nA word of its own.\n")
    other.ingest()
    before = other.contents()
    assert take_in(other, backup) == 2
    assert other.contents() == library.contents()
    roll_back(other.store)
    assert other.contents() == before


def test_the_file_can_be_imported_where_the_words_are_not_searched(
    library: Library, backup: Path, make_library: LibraryMaker, tmp_path: Path
) -> None:
    dense = make_library(retrieval__mode="dense")
    take_in(dense, backup)
    export_backup(dense.store, tmp_path / "dense.parquet")
    back = make_library()
    take_in(back, tmp_path / "dense.parquet")
    assert back.contents() == library.contents()
    assert back.statistics() == library.statistics()
    # Its score is another: the store's own statistics count deleted rows for a while.
    [(found, _score)] = back.store.snapshot().search_terms(["apples"], limit=1)
    [(known, _score)] = library.store.snapshot().search_terms(["apples"], limit=1)
    assert found == known


def test_more_than_a_group_of_documents_travels_whole(make_library: LibraryMaker, tmp_path: Path) -> None:
    library, other = make_library(embedding__batch_size="500"), make_library()
    for number in range(230):
        library.write(f"{number:03}.md", f"# Note {number}\n\nThe word{number} stands here.\n")
    library.write("long.md", "".join(f"# Part {number}\n\nThe part{number} is long.\n\n" for number in range(1100)))
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
    take_in(other, tmp_path / "many.parquet")
    assert other.contents() == library.contents()


def test_a_document_without_chunks_travels_too(make_library: LibraryMaker, tmp_path: Path) -> None:
    library, other = make_library(), make_library()
    library.write("empty.md", "---\ntitle: Nothing yet\n---\n")
    library.write("full.md", "# Full\n\nA word.\n")
    library.ingest()
    export_backup(library.store, tmp_path / "b.parquet")
    take_in(other, tmp_path / "b.parquet")
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
    library: Library, make_library: LibraryMaker, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match=r"nowhere/b\.parquet cannot be written: No such file"):
        export_backup(library.store, tmp_path / "nowhere" / "b.parquet")
    with pytest.raises(StoreEmpty):
        export_backup(make_library().store, tmp_path / "b.parquet")
    assert list(tmp_path.iterdir()) == []


def damaged(backup: Path, how: str) -> Path:
    content = backup.read_bytes()
    path = backup.with_name("damaged.parquet")
    if how == "cut off":
        path.write_bytes(content[: len(content) * 2 // 3])
    elif how == "a flipped bit":
        middle = len(content) // 4
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "text":
        path.write_text("# Not a backup\n")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "a folder":
        path.mkdir()
    elif how == "foreign":
        pq.write_table(pa.table({"source": ["a.md"]}), path)
    elif how == "rows missing":
        table = pq.read_table(backup)
        pq.write_table(table.slice(1), path)
    elif how == "a document twice":
        table = pq.read_table(backup)
        pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), path)
    elif how == "other columns":
        pq.write_table(pq.read_table(backup).drop_columns(["recipe"]), path)
    elif how == "newer":
        table = pq.read_table(backup)
        origin = table.schema.metadata[b"zhiwen"].replace(b'"format": 1', b'"format": 2')
        pq.write_table(table.replace_schema_metadata({"zhiwen": origin}), path)
    elif how == "newer schema":
        table = pq.read_table(backup)
        old, new = (f'"schema": {version}'.encode() for version in (SCHEMA_VERSION, SCHEMA_VERSION + 1))
        pq.write_table(
            table.replace_schema_metadata({"zhiwen": table.schema.metadata[b"zhiwen"].replace(old, new)}), path
        )
    elif how == "garbled origin":
        pq.write_table(pq.read_table(backup).replace_schema_metadata({"zhiwen": b"{"}), path)
    return path


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut off", "no whole backup"),
        ("a flipped bit", "damaged"),
        ("text", "no whole backup"),
        ("empty", "no whole backup"),
        ("a folder", "cannot be read"),
        ("missing", "cannot be read: No such file"),
        ("foreign", "no backup that zhiwen wrote"),
        ("rows missing", "does not hold what it says"),
        ("a document twice", "does not hold what it says"),
        ("other columns", "its columns are not those"),
        ("newer", "a newer zhiwen"),
        ("newer schema", "a newer zhiwen"),
        ("garbled origin", "does not say what it was made from"),
    ],
)
def test_what_is_no_whole_backup_is_refused_in_one_line_and_changes_nothing(
    how: str, said: str, library: Library, backup: Path
) -> None:
    path = damaged(backup, how)
    before, state = library.contents(), library.store.state()
    with pytest.raises(ZhiwenError, match=said) as raised:
        take_in(library, path)
    assert isinstance(raised.value, BackupError)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    assert (library.contents(), library.store.state()) == (before, state)
    library.ingest()
    assert library.contents() == before, "what was staged is gone with the next ingest"


def test_vectors_of_another_embedder_are_refused(library: Library, backup: Path, make_library: LibraryMaker) -> None:
    other = make_library()
    other.embedder = WordEmbedder(version="2")
    with pytest.raises(EmbedderMismatch, match=r"made with test/words .*embeds with test/words"):
        take_in(other, backup)
    assert other.store.state() is None


_IMPORT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.kit.library import WordEmbedder
from ingest.backup import import_backup
from rag import config
from rag.store.store import Store
settings = config.load()
store = Store.open(settings.store)
import_backup(settings, store, WordEmbedder(), Path(sys.argv[2]))
store.close()
"""


@pytest.mark.parametrize("point", ["chunks_added", "terms_written", "committed"])
def test_an_import_that_is_killed_leaves_a_whole_generation(
    point: str, backup: Path, library: Library, tmp_path: Path
) -> None:
    """The earlier one, or, once it was committed, the new one; and it can be repeated."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")} | {
        "ZHIWEN_STORE__URI": str(tmp_path / "m.db"),
        "ZHIWEN_FAILPOINT": point,
    }

    def run(**extra: str) -> int:
        command = [sys.executable, "-c", _IMPORT, str(ROOT), str(backup)]
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
