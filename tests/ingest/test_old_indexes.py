"""Indexes on people's disks, written by earlier versions: today's code reads, changes and replaces them.

`test_added_column.py` runs these tests once more, with columns added that no old index has.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.backup import export_backup, import_backup
from ingest.staging.recovery import recover
from ingest.staging.rollback import roll_back
from ingest.sync import preview
from rag.errors import StoreError
from rag.store.columns import CHUNK_COLUMNS, SCHEMA_VERSION
from rag.store.filters import Equals, Filter, Not, Prefix, Range
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from tests.kit.corpus import Folder, Library, library_in, settings_for
from tests.kit.old_indexes import BACKUP, RECUT, SCHEMAS, old_library, seen_by_its_writer
from tests.kit.pictures import clean_picture, difference, dump, without_times
from tests.kit.raw_rows import litter

FILTER_KEYS_SINCE = next(column.since for column in CHUNK_COLUMNS if column.name == "facets")
EVERY_SOURCE = {"bare.md", "beacon.md", "guides/lantern.md", "guides/orchard.md", "harbour.md", "notes.md"}


@pytest.fixture(params=SCHEMAS, ids=lambda schema: f"schema {schema}")
def schema(request: pytest.FixtureRequest) -> int:
    version: int = request.param
    return version


@pytest.fixture
def library(schema: int, tmp_path: Path) -> Iterator[Library]:
    with old_library(schema, tmp_path) as library:
        yield library


def assert_as_written(store: Store, schema: int) -> None:
    """Both generations show what the code that wrote them saw."""
    state = store.state()
    assert state
    for commit, picture in zip(state.history, seen_by_its_writer(schema), strict=True):
        assert not difference(known_attributes(dump(store, commit)), known_attributes(picture))


def known_attributes(picture: list[str]) -> list[str]:
    """A picture without the attributes that an old index lacks, and those that `test_added_column.py` adds."""
    return [
        re.sub(r', "(?:line_numbers|dated|dated_by|commit|knowledge_base|note|owner)": "(?:none|default)?"', "", line)
        for line in picture
    ]


def assert_holds_the_folder(library: Library) -> None:
    """As a first ingest would, but with the vectors that are there: words were cut differently before schema 2."""
    expected = clean_picture(library.folder.root, library.settings, library.embedder)
    assert not difference(without_vectors(library.live()), without_vectors(expected))


def without_vectors(picture: list[str]) -> list[str]:
    return [re.sub(r', "vector": \[[^]]*\]', "", line) for line in without_times(picture)]


def sources(snapshot: Snapshot, search_filter: Filter | None = None) -> set[str]:
    return {chunk.source for chunk in snapshot.chunks(search_filter)}


def contents(store: Store) -> list[tuple[object, ...]]:
    """The documents of the live generation, and its chunks with their vectors."""
    snapshot = store.snapshot()
    documents = snapshot.documents()
    chunks = [
        (chunk.id, chunk.source, chunk.content, chunk.heading_path, chunk.metadata, vector.tobytes())
        for chunk, vector in snapshot.chunks_with_vectors(list(documents))
    ]
    return [*sorted(chunks, key=repr), *sorted(documents.items())]


def test_both_generations_are_read_as_they_were_written(library: Library, schema: int) -> None:
    assert_as_written(library.store, schema)
    assert sources(library.store.snapshot()) == set(library.store.snapshot().documents()) == EVERY_SOURCE


def test_it_is_searched_by_vector_and_by_terms(library: Library) -> None:
    snapshot = library.store.snapshot()
    for chunk, vector in snapshot.chunks_with_vectors(["guides/lantern.md"]):
        (nearest, cosine), *_ = snapshot.search_vectors(vector, limit=3)
        assert nearest.chunk == chunk
        assert cosine == pytest.approx(1)
    assert library.sources_with("harbour1changed") == {"harbour.md"}
    assert "guides/orchard.md" in library.sources_answering("What does the word orchard0 mean?")


def test_it_is_filtered_by_what_it_has(library: Library, schema: int) -> None:
    snapshot = library.store.snapshot()
    assert sources(snapshot, Prefix("source", "guides/")) == {"guides/lantern.md", "guides/orchard.md"}
    assert sources(snapshot, Equals("kind", "row")) == {"harbour.md"}
    assert sources(snapshot, Range("level", at_least=2)) == EVERY_SOURCE - {"bare.md", "notes.md"}
    if schema >= FILTER_KEYS_SINCE:
        assert sources(snapshot, Equals("tags", "ops")) == {"notes.md"}
        assert sources(snapshot, Not(Equals("tags", "ops"))) == EVERY_SOURCE - {"notes.md"}
    else:
        for search_filter in (Equals("tags", "ops"), Not(Prefix("audience", "a"))):
            with pytest.raises(StoreError, match="cannot be filtered by front matter; run `zhiwen ingest`"):
                sources(snapshot, search_filter)


def test_a_text_that_looks_like_a_filter_key_is_only_compared(library: Library) -> None:
    assert sources(library.store.snapshot(), Equals("title", 'facets["v0"] == true')) == set()


def test_it_is_rolled_back_once(library: Library, schema: int) -> None:
    left, live = roll_back(library.store)
    assert (left.generation, live.generation) == (2, 1)
    before = known_attributes(seen_by_its_writer(schema)[0])
    assert not difference(known_attributes(library.live()), before)
    recover(library.store)
    assert not difference(known_attributes(library.live()), before)
    assert litter(library.store) == []


def test_an_interrupted_change_of_it_is_undone(library: Library, schema: int) -> None:
    """The tombstones and the restored rows have the columns of its schema, and no others."""
    store, commit = library.store, library.store.snapshot().commit
    namespace = store.namespace_of(commit)
    store.notes.mark_dirty()
    namespace.tombstone_chunks(namespace.live_chunks(sorted(EVERY_SOURCE), generation=2), died=3)
    namespace.tombstone_documents(sorted(EVERY_SOURCE), generation=2, died=3)
    assert namespace.count_chunks(3) == 0
    recover(store)
    assert namespace.count_chunks(3) == commit.chunks
    assert_as_written(store, schema)


def test_an_ingest_of_its_documents_embeds_what_is_cut_differently_now(library: Library, schema: int) -> None:
    old = library.store.snapshot().commit
    plan = preview(library.settings, library.store, library.embedder)
    report = library.ingest()
    live = library.store.snapshot().commit
    assert (report.embedded, report.failures) == (RECUT, [])
    assert len(plan.added) == report.documents.added
    assert_holds_the_folder(library)
    if schema == SCHEMA_VERSION:
        assert live.namespace == old.namespace
    else:
        assert (live.schema, live.namespace != old.namespace) == (SCHEMA_VERSION, True)
    assert sources(library.store.snapshot(), Equals("tags", "ops")) == {"notes.md"}
    assert library.ingest().generation == live.generation


def test_after_an_ingest_the_old_generation_can_be_gone_back_to(library: Library, schema: int) -> None:
    library.folder.edit("bare.md", "saddle", "bridle")
    assert library.ingest().embedded == RECUT + 1
    roll_back(library.store)
    picture = known_attributes(seen_by_its_writer(schema)[1])
    assert not difference(known_attributes(library.live()), picture)
    library.ingest()
    assert_holds_the_folder(library)
    assert library.sources_with("bridle") == {"bare.md"}


def test_it_is_exported_and_imported_elsewhere(library: Library, tmp_path: Path) -> None:
    export_backup(library.store, tmp_path / "backup.parquet")
    assert_imported(tmp_path / "backup.parquet", library, tmp_path)


def test_its_own_backup_is_imported(tmp_path: Path) -> None:
    with old_library(2, tmp_path) as library:
        assert_imported(BACKUP, library, tmp_path)


def assert_imported(backup: Path, library: Library, folder: Path) -> None:
    """The documents, chunks and vectors of a backup are those of the library, and can be found."""
    settings = settings_for(library.folder.root, folder / "other.db")
    store = Store.open(settings.store)
    try:
        other = library_in(store, Folder(library.folder.root))
        import_backup(settings, store, library.embedder, backup)
        assert contents(store) == contents(library.store)
        assert sources(store.snapshot(), Equals("tags", "ops")) == {"notes.md"}
        assert other.sources_with("harbour1changed") == {"harbour.md"}
        assert other.ingest().embedded == RECUT
        assert_holds_the_folder(other)
    finally:
        store.close()
