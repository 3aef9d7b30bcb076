"""The file of a backup: what is damaged, truncated, foreign or newer is refused, and what is older is read."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.backup import import_backup
from ingest.backup_file import reading_backup
from rag.errors import BackupError, ZhiwenError
from rag.store.columns import SCHEMA_VERSION
from tests.kit.corpus import Library, MakeLibrary

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
        import_backup(library.settings, library.store, library.embedder, path)
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


def test_a_flipped_bit_in_the_footer_is_refused_or_changes_nothing_that_is_read(backup: Path) -> None:
    """Parquet has no checksum for its footer, which says what the backup was made from."""
    flipped = backup.with_name("flipped.parquet")
    content, whole = backup.read_bytes(), read(backup)
    length = int.from_bytes(content[-8:-4], "little")
    for position in range(len(content) - 8 - length, len(content), 3):
        flip_a_bit_at(position, backup, flipped)
        with suppress(BackupError):
            assert read(flipped) == whole, position


@pytest.mark.parametrize(
    "source", ["../outside/secret.md", "/etc/hostname", "a/../../x.md", "a//b.md", "./a.md", "a/", "", "a\0.md", ".."]
)
def test_a_document_whose_path_leads_out_of_the_folder_is_refused(
    backup: Path, new_library: Library, tmp_path: Path, source: str
) -> None:
    """Its text would be shown from the file, if the hash is right."""

    def rename(table: pa.Table) -> pa.Table:
        sources = [source, *table["source"].to_pylist()[1:]]
        return table.set_column(table.schema.get_field_index("source"), "source", pa.array(sources))

    target = tmp_path / "renamed.parquet"
    changed(rename)(backup, target)
    with pytest.raises(BackupError, match=r"is damaged \(.* is no path below a folder\); nothing was changed"):
        import_backup(new_library.settings, new_library.store, new_library.embedder, target)


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
    changed(with_footer(golden_asked=None, golden_found=None, label=None))(backup, earlier)
    other = make_library()
    import_backup(other.settings, other.store, other.embedder, earlier)
    assert other.live() == library.live()
    assert other.store.snapshot().commit.golden_asked == ()
