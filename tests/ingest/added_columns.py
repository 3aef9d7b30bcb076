"""What holds in a copy of the source with two more columns; `test_added_column.py` makes the copy and runs this there.

`owner` is a text that can be filtered and is worked out from the front matter, `note` one that chunks just carry.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.backup import export_backup, import_backup
from ingest.staging.rollback import roll_back
from rag.errors import StoreError
from rag.settings import Settings
from rag.store.columns import SCHEMA_VERSION
from rag.store.filters import AnyOf, Equals, In, Not, Prefix
from rag.store.store import Store
from rag.wiring import open_store
from tests.kit.corpus import Library, settings_for
from tests.kit.old_indexes import BACKUP, RECUT, SCHEMAS, old_library

OWNED = {"notes.md"}


@pytest.fixture(params=SCHEMAS)
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    with old_library(request.param, tmp_path) as library:
        yield library


@contextmanager
def opened(folder: Path, name: str) -> Iterator[tuple[Settings, Store]]:
    """Another store in the folder, and its settings."""
    settings = settings_for(folder / "docs", folder / name)
    with open_store(settings) as store:
        yield settings, store


def values(store: Store) -> set[tuple[str, object, object]]:
    """The source and both new values of each chunk."""
    chunks = [asdict(chunk) for chunk in store.snapshot().chunks()]
    return {(chunk["source"], chunk["owner"], chunk["note"]) for chunk in chunks}


def test_an_old_index_has_the_defaults_and_cannot_be_filtered_by_what_it_lacks(library: Library) -> None:
    assert {value[1:] for value in values(library.store)} == {("", "none")}
    for search_filter in (Equals("owner", "admin"), Not(In("owner", ("a", "b"))), Prefix("owner", "a")):
        with pytest.raises(StoreError, match="earlier zhiwen and cannot be filtered by owner; run `zhiwen ingest`"):
            list(library.store.snapshot().chunks(AnyOf((Equals("kind", "text"), search_filter))))


def test_the_next_ingest_fills_the_columns_and_can_be_undone(library: Library) -> None:
    old = library.store.snapshot().commit
    assert library.ingest().embedded == RECUT
    live = library.store.snapshot().commit
    assert (live.schema, live.namespace != old.namespace) == (SCHEMA_VERSION, True)
    assert {value for value in values(library.store) if value[1]} == {("notes.md", "admin", "none")}
    found = library.store.snapshot().chunks(Equals("owner", "admin"))
    assert {chunk.source for chunk in found} == OWNED
    others = library.store.snapshot().chunks(Not(Equals("owner", "admin")))
    assert OWNED.isdisjoint({chunk.source for chunk in others})
    roll_back(library.store)
    assert {value[1:] for value in values(library.store)} == {("", "none")}


def test_a_backup_that_lacks_the_columns_is_imported_with_their_defaults(tmp_path: Path) -> None:
    with old_library(2, tmp_path) as library, opened(tmp_path, "imported.db") as (settings, store):
        import_backup(settings, store, library.embedder, BACKUP)
        assert {value[2] for value in values(store)} == {"none"}
        assert {value[0] for value in values(store) if value[1]} == OWNED
        live = store.snapshot()
        assert (live.commit.documents, live.commit.chunks) == (6, 12)


def test_a_backup_has_the_columns_and_gives_them_back(tmp_path: Path) -> None:
    with old_library(2, tmp_path) as library:
        library.ingest()
        export_backup(library.store, tmp_path / "new.parquet")
        with opened(tmp_path, "other.db") as (settings, store):
            import_backup(settings, store, library.embedder, tmp_path / "new.parquet")
            assert values(store) == values(library.store)
    chunks = pq.ParquetFile(tmp_path / "new.parquet").schema_arrow.field("chunks").type.value_type
    assert {"owner", "note"} <= {field.name for field in chunks.fields}
    # For the tests of what the code without these columns says to them.
    shutil.copyfile(tmp_path / "new.parquet", Path(os.environ["NEWER"]) / "newer.parquet")
    shutil.copyfile(tmp_path / "m.db", Path(os.environ["NEWER"]) / "newer.db")
