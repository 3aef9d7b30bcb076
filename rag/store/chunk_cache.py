"""Chunks of the generations that are searched, kept in memory: to read a chunk takes longer than to find it."""

import threading
from collections.abc import Iterable

from cachetools import LRUCache

from rag.store.records import Commit
from rag.store.rows import StoredChunk

_KEPT_GENERATIONS = 2  # the live one, and the one that requests under way still read
KEPT_CHUNKS = 4096
"""Of each generation; one takes about 10 KB."""


class ChunkCache:
    """Keeps the chunks that were used last, by generation and id. Safe to use from several threads.

    It is for committed generations only: those never change, while a staged one may be given up and staged again.
    """

    def __init__(self) -> None:
        self._known: LRUCache[Commit, LRUCache[str, StoredChunk]] = LRUCache(_KEPT_GENERATIONS)
        self._lock = threading.Lock()

    def get(self, commit: Commit, ids: Iterable[str]) -> dict[str, StoredChunk]:
        """Return the chunks that are known, by id."""
        with self._lock:
            known = self._known.get(commit)
            return {name: known[name] for name in ids if name in known} if known else {}

    def put(self, commit: Commit, chunks: Iterable[StoredChunk]) -> None:
        """Keep chunks of a generation."""
        with self._lock:
            known = self._known.setdefault(commit, LRUCache(KEPT_CHUNKS))
            known.update((stored.chunk.id, stored) for stored in chunks)
