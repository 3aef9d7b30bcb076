"""Export and import of a generation: the same documents, chunks and vectors arrive, or nothing changes."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.backup import export_backup, import_backup
from ingest.backup_file import reading_backup
from ingest.staging.recovery import roll_back
from rag.errors import BackupError, EmbedderMismatch, StoreEmpty, ZhiwenError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.settings import StoreSettings
from rag.store.columns import SCHEMA_VERSION
from rag.store.store import Store
from tests.kit.corpus import Library, MakeLibrary


def import_into(library: Library, path: Path) -> int:
    return import_backup(library.settings, library.store, library.embedder, path).generation


@pytest.fixture
def backup(library: Library, tmp_path: Path) -> Path:
    path = tmp_path / "backup.parquet"
    export_backup(library.store, path)
    return path


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
    assert sorted(map(repr, (each.chunk for each in other.store.snapshot().chunks()))) == sorted(
        map(repr, (each.chunk for each in library.store.snapshot().chunks()))
    )


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


Change = Callable[[pa.Table], pa.Table]


def changed(change: Change) -> Callable[[Path, Path], None]:
    """Copies a backup with another table."""
    return lambda backup, target: pq.write_table(change(pq.read_table(backup)), target)


def with_footer(**content: object) -> Change:
    """Changes what the footer says; None removes a key."""

    def change(table: pa.Table) -> pa.Table:
        footer = json.loads(table.schema.metadata[b"zhiwen"]) | content
        kept = {key: value for key, value in footer.items() if value is not None}
        return table.replace_schema_metadata({"zhiwen": json.dumps(kept)})

    return change


def with_chunks(change: Callable[[list[pa.Array], list[pa.Field]], object]) -> Change:
    """Changes the columns of the chunks: `change` is given the arrays and the fields, in lists."""

    def apply(table: pa.Table) -> pa.Table:
        chunks = table["chunks"].combine_chunks()
        arrays, fields = list(chunks.values.flatten()), list(chunks.type.value_type.fields)
        change(arrays, fields)
        structs = pa.StructArray.from_arrays(arrays, fields=fields)
        lists = pa.ListArray.from_arrays(chunks.offsets, structs)
        return table.set_column(table.schema.get_field_index("chunks"), "chunks", lists)

    return apply


def add_owner(arrays: list[pa.Array], fields: list[pa.Field]) -> None:
    arrays.append(pa.array(["somebody"] * len(arrays[0])))
    fields.append(pa.field("owner", pa.string()))


def remove_first(arrays: list[pa.Array], fields: list[pa.Field]) -> None:
    del arrays[0], fields[0]


def flip_a_bit_at(position: int, backup: Path, target: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[position] ^= 1
    target.write_bytes(content)


def flip_a_bit_of_a_vector(backup: Path, target: Path) -> None:
    """In the last bytes of the last column, where its values are."""
    columns = pq.ParquetFile(backup).metadata.row_group(0)
    vectors = columns.column(columns.num_columns - 1)
    start = vectors.dictionary_page_offset or vectors.data_page_offset
    flip_a_bit_at(start + vectors.total_compressed_size - 10, backup, target)


TRUNCATED = "is truncated or not a zhiwen backup"
NEWER = "was written by a newer zhiwen .*; upgrade"
OTHER_COLUMNS = "is damaged: its columns are not those of a backup"
NO_ORIGIN = "does not say what it was made from"
OTHER_COUNT = "does not hold what it says"

UNREADABLE: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "cut off": (
        lambda backup, target: target.write_bytes(backup.read_bytes()[: backup.stat().st_size * 2 // 3]),
        TRUNCATED,
    ),
    "a flipped bit": (flip_a_bit_of_a_vector, "is damaged .*nothing was changed"),
    "text": (lambda backup, target: target.write_text("# Not a backup\n"), TRUNCATED),
    "empty": (lambda backup, target: target.write_bytes(b""), TRUNCATED),
    "a folder": (lambda backup, target: target.mkdir(), "cannot be read"),
    "missing": (lambda backup, target: None, "cannot be read: No such file"),
    "foreign": (lambda backup, target: pq.write_table(pa.table({"source": ["a.md"]}), target), "not a zhiwen backup"),
    "documents missing": (changed(lambda table: table.slice(1)), OTHER_COUNT),
    "a document twice": (changed(lambda table: pa.concat_tables([table, table.slice(0, 1)])), OTHER_COUNT),
    "a column missing": (changed(lambda table: table.drop_columns(["recipe"])), OTHER_COLUMNS),
    "the chunks missing": (changed(lambda table: table.drop_columns(["chunks"])), OTHER_COLUMNS),
    "a column of chunks missing": (changed(with_chunks(remove_first)), OTHER_COLUMNS),
    "a column of another type": (
        changed(lambda table: table.set_column(3, "size", table["size"].cast(pa.string()))),
        OTHER_COLUMNS,
    ),
    "vectors of another size": (changed(with_footer(dimension=8)), OTHER_COLUMNS),
    "a newer format": (changed(with_footer(format=2)), NEWER),
    "a newer schema": (changed(with_footer(schema=SCHEMA_VERSION + 1)), NEWER),
    "a newer footer": (changed(with_footer(signature="x")), NEWER),
    "a newer column": (changed(lambda table: table.append_column("owner", table["title"])), NEWER),
    "a newer column of chunks": (changed(with_chunks(add_owner)), NEWER),
    "a footer that says less": (changed(with_footer(mode=None)), NO_ORIGIN),
    "a footer of another type": (changed(with_footer(dimension="16")), NO_ORIGIN),
    "a garbled footer": (changed(lambda table: table.replace_schema_metadata({"zhiwen": b"{"})), NO_ORIGIN),
    "a footer that is a list": (changed(lambda table: table.replace_schema_metadata({"zhiwen": b"[]"})), NO_ORIGIN),
}


@pytest.mark.parametrize(("make", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_a_whole_backup_is_refused_in_one_line_and_changes_nothing(
    make: Callable[[Path, Path], object], said: str, library: Library, backup: Path
) -> None:
    path = backup.with_name("damaged.parquet")
    make(backup, path)
    before, state = library.live(), library.store.state()
    with pytest.raises(ZhiwenError, match=said) as raised:
        import_into(library, path)
    assert isinstance(raised.value, BackupError)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    assert (library.live(), library.store.state()) == (before, state)
    library.ingest()
    assert library.live() == before, "what was staged is gone with the next ingest"


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing_that_is_read(backup: Path) -> None:
    flipped = backup.with_name("flipped.parquet")
    whole, size = read(backup), backup.stat().st_size
    refused = 0
    for position in range(0, size, size // 200):
        flip_a_bit_at(position, backup, flipped)
        try:
            assert read(flipped) == whole, position
        except BackupError:
            refused += 1
    assert refused > 100


def read(path: Path) -> list[tuple[object, ...]]:
    with reading_backup(path) as (origin, groups):
        documents = [document for group in groups for document in group]
    return [
        (origin.fingerprint, document.record, [(chunk, vector.tobytes()) for chunk, vector in document.chunks])
        for document in documents
    ]


def test_a_footer_without_keys_that_were_added_later_has_their_defaults(
    library: Library, backup: Path, make_library: MakeLibrary
) -> None:
    earlier = backup.with_name("earlier.parquet")
    changed(with_footer(golden_asked=None, golden_found=None))(backup, earlier)
    other = make_library()
    import_into(other, earlier)
    assert other.live() == library.live()
    assert other.store.snapshot().commit.golden_asked == ()


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
from rag import config
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.store import Store
settings = config.load()
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
