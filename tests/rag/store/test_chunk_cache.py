"""Chunks in memory belong to one committed generation, and their number is bounded."""

from collections import Counter
from dataclasses import replace

from rag.store.chunk_cache import KEPT_CHUNKS, ChunkCache
from rag.store.records import Commit
from rag.store.rows import StoredChunk
from tests.kit.stored_chunks import chunk

FIRST = Commit(1, "n", "e", "f", 1, 1, "hybrid", "2024-01-01T00:00:00+00:00", "/docs", 1, 1)


def stored(number: int, line: int = 1) -> StoredChunk:
    return StoredChunk(replace(chunk(number, "a.md"), start_line=line), Counter(["word"]))


def test_what_was_put_comes_back_and_nothing_else() -> None:
    cache = ChunkCache()
    assert cache.get(FIRST, ["c1"]) == {}
    cache.put(FIRST, [stored(1), stored(2)])
    assert cache.get(FIRST, ["c1", "c2", "c3"]) == {"c1": stored(1), "c2": stored(2)}


def test_the_same_chunk_may_stand_elsewhere_in_another_generation() -> None:
    cache, second = ChunkCache(), replace(FIRST, generation=2)
    cache.put(FIRST, [stored(1, line=3)])
    assert cache.get(second, ["c1"]) == {}
    cache.put(second, [stored(1, line=9)])
    assert cache.get(FIRST, ["c1"])["c1"].chunk.start_line == 3
    assert cache.get(second, ["c1"])["c1"].chunk.start_line == 9


def test_an_index_that_was_deleted_and_built_anew_shares_nothing_with_the_old_one() -> None:
    cache = ChunkCache()
    cache.put(FIRST, [stored(1)])
    assert cache.get(replace(FIRST, committed_at="2024-01-02T00:00:00+00:00"), ["c1"]) == {}


def test_the_chunk_that_was_not_used_for_longest_goes_first() -> None:
    cache = ChunkCache()
    cache.put(FIRST, [stored(number) for number in range(KEPT_CHUNKS)])
    assert cache.get(FIRST, ["c0"])
    cache.put(FIRST, [stored(KEPT_CHUNKS)])
    assert cache.get(FIRST, ["c0", "c1", f"c{KEPT_CHUNKS}"]).keys() == {"c0", f"c{KEPT_CHUNKS}"}
