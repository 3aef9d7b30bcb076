"""Readers in the same process, while an ingest is running."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ingest.staging.report import Progress
from rag.errors import ZhiwenError
from rag.retrieval.search import retrieve
from rag.store.snapshot import Snapshot
from rag.types import Chunk
from tests.kit.corpus import Library


def test_a_snapshot_reads_its_own_generation_during_and_after_an_ingest(library: Library) -> None:
    snapshot = library.store.snapshot()

    def seen() -> tuple[object, ...]:
        query = library.embedder.embed_query("apples bread cheese")
        return (
            sorted(chunk.content for chunk in snapshot.chunks()),
            sorted(snapshot.documents()),
            sorted(stored.chunk.id for stored, _ in snapshot.search_vectors(query, limit=100)),
            sorted(stored.chunk.id for stored, _ in snapshot.search_terms(["apples", "bread", "cheese"], limit=100)),
            snapshot.statistics,
        )

    before = seen()
    library.folder.edit("a.md", "red", "apples bread cheese")
    library.folder.edit("b.md", "baked", "roasted")
    library.folder.delete("c.md")
    library.folder.write("g.md", "# Grapes\n\nApples bread cheese grapes.\n")
    during: list[bool] = []

    def look(_: Progress) -> None:
        during.append(seen() == before and library.store.snapshot().generation == snapshot.generation)

    library.ingest(on_progress=look)
    assert len(during) > 3
    assert all(during)
    assert seen() == before
    assert library.store.snapshot().generation > snapshot.generation
    library.assert_clean()


def test_a_chunk_that_only_moved_is_shown_where_each_generation_has_it(library: Library) -> None:
    """It keeps its id, by which a store remembers it."""

    def found(snapshot: Snapshot) -> Chunk:
        hits = retrieve("Bread is baked", snapshot, library.embedder, library.settings.retrieval).hits
        [chunk] = [hit.chunk for hit in hits if hit.chunk.content == "Bread is baked."]
        return chunk

    before = library.store.snapshot()
    was = found(before)
    library.folder.edit("b.md", "Bread is baked.", "\n\nBread is baked.")
    library.ingest()
    after = library.store.snapshot()
    moved = replace(was, start_line=was.start_line + 2, end_line=was.end_line + 2, line_numbers="5")
    assert [found(snapshot) for snapshot in (before, after, before, after)] == [was, moved, was, moved]


def test_readers_in_other_threads_see_one_whole_generation_at_any_time(library: Library) -> None:
    """Three documents change together, five times; every read finds all three, in one version."""
    names = ("x", "y", "z")

    def write(number: int) -> None:
        for name in names:
            library.folder.write(f"{name}.md", f"# {name}\n\nversion{number}\n")
        library.ingest()

    def versions() -> list[str]:
        chunks = library.store.snapshot().chunks()
        return sorted(f"{chunk.source} {chunk.content}" for chunk in chunks if chunk.content.startswith("version"))

    write(0)
    whole = {tuple(f"{name}.md version{number}" for name in names) for number in range(5)}
    with reading(versions) as seen:
        for number in range(1, 5):
            write(number)
    assert len(seen) > 5
    assert {each for each in seen if each not in whole} == set()


def test_readers_in_other_threads_find_what_stays_at_any_time(library: Library) -> None:
    """The chunks move by a line, so that all their rows are written again; what they say can be found throughout."""
    library.folder.write(
        "long.md", "# Long\n\n" + "".join(f"## H{number}\n\ntext {number}\n\n" for number in range(60))
    )
    library.ingest()

    def texts() -> list[str]:
        chunks = library.store.snapshot().chunks()
        return sorted(chunk.content for chunk in chunks if chunk.source == "long.md")

    before = tuple(texts())
    with reading(texts) as seen:
        for _ in range(3):
            library.folder.edit("long.md", "# Long", "\n# Long")
            library.ingest()
    assert len(seen) > 5
    assert [len(each) for each in seen if each != before] == []


@contextmanager
def reading(read: Callable[[], list[str]]) -> Iterator[list[tuple[str, ...]]]:
    """Read in a loop in another thread; yields what was seen, an error as its name."""
    ended = threading.Event()
    seen: list[tuple[str, ...]] = []

    def look() -> None:
        while not ended.is_set():
            try:
                seen.append(tuple(read()))
            except ZhiwenError as error:
                seen.append((f"{type(error).__name__}: {error}",))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()
