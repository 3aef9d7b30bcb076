"""One generation in the making: invisible until its commit, gone after a recovery."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingest.staging.garbage import collect_garbage
from ingest.staging.layout import layout_of
from ingest.staging.recovery import recover
from ingest.staging.rollback import roll_back
from ingest.staging.staging import Staging
from rag.errors import StoreEmpty, StoreError
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store import imports
from rag.store.columns import text_hash
from rag.store.records import DocumentRecord
from rag.store.snapshot import Snapshot
from rag.store.term_statistics import TermChanges, sum_statistics
from rag.text.tokens import tokenize
from rag.types import Chunk
from tests.kit.corpus import Library, MakeLibrary
from tests.kit.raw_rows import (
    another_store,
    collections_of,
    connection_of,
    count_chunk_rows,
    count_manifest_rows,
    every_row,
)


def chunk(name: str, content: str, *, source: str = "staged.md") -> Chunk:
    return Chunk(
        id=name,
        source=source,
        title="Staged",
        heading_path=("Staged",),
        anchor="staged",
        kind="text",
        position=0,
        group=name,
        start_line=1,
        end_line=1,
        content=content,
    )


def record(source: str, chunks: int) -> DocumentRecord:
    return DocumentRecord(source, "hash", "fingerprint", 1, 1, "Staged", chunks)


def stage(library: Library, chunks: Sequence[Chunk], *, remove: Sequence[str] = ()) -> Staging:
    staging = Staging(library.store, library.embedder, mode="hybrid")
    if chunks:
        staging.insert_chunks(chunks, library.embedder.embed_documents([each.searchable_text for each in chunks]))
        staging.put_documents([record(source, 1) for source in sorted({each.source for each in chunks})])
    staging.remove_documents(remove)
    return staging


def commit(library: Library, staging: Staging, *, keep: int = 1) -> Snapshot:
    sealed = staging.seal(str(library.folder.root))
    staging.commit(sealed.commit, keep=keep)
    return library.store.snapshot()


def test_readers_see_the_live_generation_until_the_commit(library: Library) -> None:
    before, documents = library.live(), library.store.snapshot().documents()
    staging = stage(library, [chunk("s1", "staged apples")], remove=["c.md"])
    sealed = staging.seal(str(library.folder.root))
    snapshot = library.store.snapshot()
    assert library.live() == before
    assert snapshot.documents() == documents
    vector = library.embedder.embed_query("Staged staged apples")
    assert all(stored.chunk.id != "s1" for stored, _ in snapshot.search_vectors(vector, limit=100))
    assert snapshot.search_terms(["staged"], limit=100) == []
    assert snapshot.search_terms(["rennet"], limit=100) != []
    # The sealed snapshot is the other side.
    assert {stored.chunk.id for stored, _ in sealed.search_terms(["staged"], limit=100)} == {"s1"}
    assert sealed.search_terms(["rennet"], limit=100) == []
    assert "c.md" not in sealed.documents()

    staging.commit(sealed.commit, keep=1)
    after = library.store.snapshot()
    assert after.commit == sealed.commit
    assert {stored.chunk.id for stored, _ in after.search_terms(["staged"], limit=100)} == {"s1"}


def test_nothing_is_remembered_of_a_generation_that_was_given_up(library: Library) -> None:
    """The next one may have its number, and the same chunk on another line."""

    def line(snapshot: Snapshot) -> int:
        [(stored, _)] = snapshot.search_terms(["staged"], limit=100)
        return stored.chunk.start_line

    given_up = stage(library, [chunk("s1", "staged")]).seal(str(library.folder.root))
    assert line(given_up) == 1
    recover(library.store)
    staging = stage(library, [replace(chunk("s1", "staged"), start_line=7)])
    assert staging.generation == given_up.generation
    assert line(commit(library, staging)) == 7


@pytest.mark.usefixtures("searches_in_milvus")
def test_a_search_while_rows_are_tombstoned_finds_as_much_as_before(library: Library) -> None:
    snapshot, question = library.store.snapshot(), library.embedder.embed_query("Apples are red.")
    before = snapshot.search_vectors(question, limit=100)
    staging = Staging(library.store, library.embedder, mode="hybrid")
    library.begin_to_count()
    library.refuse_write(3)  # after the note and the copies: the deletion of what was copied
    with pytest.raises(StoreError, match="was refused"):
        staging.tombstone_chunks([*staging.chunks_of("a.md"), *staging.chunks_of("b.md"), *staging.chunks_of("c.md")])
    assert count_chunk_rows(library.store, f"died == {staging.generation}") > 3
    for limit in range(1, len(before) + 2):
        found = snapshot.search_vectors(question, limit=limit)
        assert [score for _, score in found] == pytest.approx([score for _, score in before[:limit]])
        assert len({stored.chunk.id for stored, _ in found}) == len(found)
    assert len(snapshot.search_terms(["apples", "bread", "cheese"], limit=5)) == 5
    library.refuse_write(0)
    recover(library.store)


def test_recovery_leaves_the_rows_exactly_as_they_were(library: Library) -> None:
    before = every_row(library.store)
    stage(library, [chunk("s1", "staged"), chunk("s2", "two")], remove=["a.md", "c.md"]).seal(str(library.folder.root))
    assert every_row(library.store) != before
    recover(library.store)
    assert every_row(library.store) == before


def test_recovery_writes_nothing_if_there_is_nothing_to_undo(library: Library) -> None:
    recover(library.store)
    assert library.writes == 0


def test_recovering_twice_is_the_same_as_once(library: Library) -> None:
    stage(library, [chunk("s1", "staged")], remove=["a.md"])
    recover(library.store)
    library.begin_to_count()
    recover(library.store)
    assert library.writes == 0


@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_recovery_that_was_interrupted_is_completed_by_the_next(library: Library, write: int) -> None:
    before = every_row(library.store)
    stage(library, [chunk("s1", "staged")], remove=["a.md", "c.md"]).seal(str(library.folder.root))
    library.begin_to_count()
    library.refuse_write(write)
    with pytest.raises(StoreError):
        recover(library.store)
    library.refuse_write(0)
    recover(library.store)
    assert every_row(library.store) == before


def test_recovery_drops_a_namespace_that_was_never_committed(make_library: MakeLibrary) -> None:
    library = make_library()
    stage(library, [chunk("s1", "staged")])
    assert library.store.state() is None
    with pytest.raises(StoreEmpty):
        library.store.snapshot()
    recover(library.store)
    assert collections_of(library.store) == [f"{library.store.collection}_state"]


def test_recovery_leaves_the_collections_of_other_stores_alone(library: Library, new_library: Library) -> None:
    """The names `library1` and `library10` begin alike, and share the database."""
    connection = connection_of(library.store)
    before = connection.collections()
    recover(another_store(library.store, collection=f"{library.store.collection}_g9"))
    recover(another_store(library.store, collection=library.store.collection[:-1]))
    recover(new_library.store)
    assert connection.collections() == before


def test_rolling_back_before_two_commits_is_an_error(make_library: MakeLibrary) -> None:
    library = make_library()
    with pytest.raises(StoreError, match="no earlier generation"):
        roll_back(library.store)


def test_a_generation_that_was_rolled_back_can_be_read_until_the_next_recovery(library: Library) -> None:
    stage_and_commit = commit(library, stage(library, [chunk("s1", "staged")]))
    roll_back(library.store)
    assert "s1" in {chunk.id for chunk in stage_and_commit.chunks()}
    recover(library.store)
    assert "s1" not in {chunk.id for chunk in stage_and_commit.chunks()}


def test_a_number_is_never_given_to_two_generations(library: Library) -> None:
    left = commit(library, stage(library, [chunk("s1", "staged")])).generation
    statistics = library.statistics()
    roll_back(library.store)
    recover(library.store)
    staging = stage(library, [chunk("s2", "other words")])
    assert staging.generation == left + 1
    commit(library, staging)
    # Statistics are kept by generation: a number used twice would bring back those of the one that was left.
    assert library.statistics() != statistics
    assert library.statistics().chunks == statistics.chunks


def test_a_chunk_that_lives_dies_and_comes_back_is_there_once(library: Library) -> None:
    for _ in range(3):
        commit(library, stage(library, [chunk("s1", "staged")]))
        assert [chunk.id for chunk in library.store.snapshot().chunks()].count("s1") == 1
        commit(library, stage(library, [], remove=["staged.md"]))
        assert "s1" not in {chunk.id for chunk in library.store.snapshot().chunks()}


def test_two_writers_at_once_both_give_up_and_leave_no_trace(new_library: Library) -> None:
    """On a server the lease is advisory, so two processes can stage at once; here they are two stores."""
    library = new_library
    library.ingest()
    before = library.live()
    other = replace(library, store=another_store(library.store))
    second = stage(library, [chunk("s2", "second")])
    sealed = second.seal(str(library.folder.root))
    with pytest.raises(StoreError, match="does another process write to it"):
        commit(other, stage(other, [chunk("s1", "first")]))
    with pytest.raises(StoreError, match="does another process write to it"):
        second.commit(sealed.commit, keep=1)
    recover(library.store)
    assert library.live() == before


def test_a_writer_whose_generation_has_moved_gives_up(new_library: Library) -> None:
    library = new_library
    library.ingest()
    late = Staging(library.store, library.embedder, mode="hybrid")
    sealed = late.seal(str(library.folder.root))
    recover(library.store)
    commit(library, stage(library, [chunk("s1", "first")]), keep=1)
    with pytest.raises(StoreError, match="nothing was changed"):
        late.commit(sealed.commit, keep=1)
    assert "first" in library.texts()


@pytest.mark.parametrize("is_running", [False, True])
def test_what_a_job_that_was_left_behind_may_still_add_to_is_dropped_and_not_resumed(
    new_library: Library, monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    library, store = new_library, new_library.store
    stage(library, [chunk("s1", "first")])
    [staged] = store.notes.staged_generations()
    store.notes.note_staged(replace(staged, is_imported=True))
    monkeypatch.setattr(imports, "_LEFT_BEHIND_SECONDS", 0.0)
    monkeypatch.setattr(store.imports, "may_add_rows", lambda namespace: is_running)
    resumed = recover(store, kept_layout=layout_of(store, library.embedder, "hybrid"))
    assert [each.namespace for each in resumed] == store.namespaces() == ([] if is_running else [staged.namespace])


def test_vectors_are_found_by_the_hash_of_their_text(library: Library) -> None:
    staging = Staging(library.store, library.embedder, mode="hybrid")
    live = staging.chunks_of("a.md")
    texts = {text_hash(each.chunk.searchable_text): each.chunk.searchable_text for each in live}
    found = staging.vectors_by_text_hash([*texts, "unknown"])
    assert found.keys() == texts.keys()
    for key, text in texts.items():
        assert found[key].tolist() == library.embedder.embed_query(text).tolist()


def test_a_new_namespace_starts_from_nothing_and_knows_what_it_replaces(library: Library) -> None:
    staging = Staging(library.store, ScriptedEmbedder(fingerprint="fedcba9876543210"), mode="hybrid")
    assert staging.is_fresh
    assert staging.chunks_of("a.md") == []
    assert staging.vectors_by_text_hash(["x"]) == {}
    assert set(staging.live_documents()) == set(library.store.snapshot().documents())
    assert [each.position for each in staging.live_chunks_of("a.md")] == [0, 1]
    recover(library.store)


def test_statistics_stay_right_and_small_over_many_generations(library: Library) -> None:
    expected = TermChanges()
    snapshot = library.store.snapshot()
    for stored in snapshot.read_chunks(chunk.id for chunk in snapshot.chunks()).values():
        expected.add(stored.terms)
    last: Chunk | None = None
    for number in range(38):
        new = chunk(f"s{number}", f"generation{number} apples", source=f"s{number}.md")
        expected.add(tokenize(new.searchable_text))
        if last:
            expected.remove(tokenize(last.searchable_text))
        commit(library, stage(library, [new], remove=[last.source] if last else []))
        last = new
    assert library.statistics() == sum_statistics(expected.payloads())
    assert count_manifest_rows(library.store, 'kind == "terms"') < 38


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_as_many_generations_are_kept_as_asked_for(library: Library, keep: int) -> None:
    for number in range(5):
        commit(library, stage(library, [chunk(f"s{number}", f"text {number}")]), keep=keep)
    state = library.store.state()
    assert state
    assert len(state.history) == keep + 1
    library.begin_to_count()
    collect_garbage(library.store)
    # If none is kept, the last one is spared until the next commit, for the requests that still read it.
    assert library.writes == (1 if keep == 0 else 0)
    for _ in range(keep):
        roll_back(library.store)
    with pytest.raises(StoreError, match="no earlier generation"):
        roll_back(library.store)
    assert f"text {4 - keep}" in library.texts()
    assert f"text {5 - keep}" not in library.texts()
